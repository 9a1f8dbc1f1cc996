import pytest

from sweeper.config.spec import parse_spec
from sweeper.search.parts.remembering import Remembering
from sweeper.search.random import RandomSearch

SPACE = parse_spec(
    """
name: x
dataset: {source: digits}
parameters:
  layers: {min: 1, max: 4}
  filters: {values: [8, 16], per: layers}
  optimizer: [sgd, adamw]
  learning_rate: {distribution: log_uniform_values, min: 1e-5, max: 1.0}
budget: {trials: 1}
"""
).space
GOOD = {"learning_rate": 0.01, "layers": 3, "optimizer": "sgd"}


def search(prior=(GOOD,), seed=1, space=SPACE):
    return Remembering(RandomSearch(space, seed), space, seed, prior, "adamw")


def test_half_of_the_first_proposals_lie_around_what_was_good_and_later_ever_fewer():
    found, random = search(), RandomSearch(SPACE, 1)
    own = [found.suggest(number) != random.suggest(number) for number in range(1000)]

    assert 3 <= sum(own[:10]) <= 7
    assert sum(own[500:]) < 20


def test_a_remembered_proposal_has_the_depth_the_optimizer_and_about_the_rate():
    found, random = search(), RandomSearch(SPACE, 1)
    pairs = [(found.suggest(number), random.suggest(number)) for number in range(40)]
    own = [config for config, drawn in pairs if config != drawn]

    assert all(config["layers"] == 3 and len(config["filters"]) == 3 for config in own)
    assert all(config["optimizer"] == "sgd" for config in own)
    assert all(0.001 < config["learning_rate"] < 0.1 for config in own)
    assert len({config["learning_rate"] for config in own}) == len(own)
    assert all(SPACE.contains(config) for config in own)


def test_a_rate_of_another_optimizer_is_not_taken_over():
    space = parse_spec(
        "{name: x, dataset: {source: digits}, budget: {trials: 1}, parameters: {layers: {min: 1, max: 4},"
        " learning_rate: {distribution: log_uniform_values, min: 1e-5, max: 1.0}}}"
    ).space
    found, random = search(space=space), RandomSearch(space, 1)
    pairs = [(found.suggest(number), random.suggest(number)) for number in range(200)]
    own = [config for config, drawn in pairs if config != drawn]

    assert all(config["layers"] == 3 for config in own)
    assert min(config["learning_rate"] for config in own) < 1e-4
    assert max(config["learning_rate"] for config in own) > 1e-1


def test_a_proposal_is_a_function_of_seed_and_number():
    forwards = [search().suggest(number) for number in range(20)]
    assert [search().suggest(number) for number in reversed(range(20))] == forwards[::-1]
    assert [search(seed=2).suggest(number) for number in range(20)] != forwards


def test_a_second_proposal_of_a_trial_is_the_searchs_own():
    found = search()
    first, second = found.suggest(0), found.suggest(0)
    assert first != second


@pytest.mark.parametrize("good", [{}, {"learning_rate": "x"}, {"layers": 99}, {"optimizer": "muon"}])
def test_whatever_is_remembered_the_space_holds(good):
    found = search((good,))
    assert all(SPACE.contains(found.suggest(number)) for number in range(50))
