import numpy as np
import pytest

from sweeper.errors import StateError
from sweeper.results.team_portfolio import team_portfolio


def told(board, trial, history, spec, name, scores, seconds=None, digest=""):
    """A sweep whose trial n has n + 1 layers, and the n-th of these scores."""
    paid = seconds or [100.0] * len(scores)
    trials = [trial(n, n + 1, [score], paid[n]) for n, score in enumerate(scores)]
    return board(history(*trials), spec(name), digest=digest or name).sweep


@pytest.fixture
def sweep(board, trial, history, spec):
    return lambda name, scores, **more: told(board, trial, history, spec, name, scores, **more)


RISING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]


def layers(found):
    return [each.config["layers"] for each in found.chosen]


def test_the_best_of_each_set_of_images_comes_first(sweep):
    found = team_portfolio([sweep("up", RISING), sweep("down", RISING[::-1])], 2)

    assert sorted(layers(found)) == [1, 8]
    assert found.sets == ["up", "down"]


def test_of_equals_the_cheaper_one_is_chosen(sweep):
    scores = [0.8, 0.8, *RISING[:6]]

    assert layers(team_portfolio([sweep("a", scores, seconds=[300, 100, *[100] * 6])], 1)) == [2]


def test_sweeps_of_the_same_images_are_one_set(sweep):
    found = team_portfolio([sweep("a", RISING, digest="x"), sweep("b", RISING[::-1], digest="x")])

    assert found.sets == ["a + b"]
    assert found.foretold == 0


def test_what_was_not_run_on_the_other_images_is_foretold_and_counted(sweep, board, trial, history, spec):
    deep = [trial(n, n + 9, [0.5 + n / 100]) for n in range(8)]
    other = board(history(*deep), spec("deep"), digest="deep").sweep

    found = team_portfolio([sweep("up", RISING), other])

    assert found.foretold == 0.5
    assert np.isfinite(found.regrets).all()


def test_a_configuration_that_is_bad_everywhere_and_adds_nothing_is_left_out(sweep):
    found = team_portfolio([sweep("a", [0.1, 0.1, 0.1, 0.1, 0.1, 0.79, 0.8, 0.81])])

    assert layers(found) == [8, 7, 6]


def test_a_member_says_what_its_file_said_of_all_trials(sweep):
    found = team_portfolio([sweep("a", RISING)]).file({"by": "a test"})

    assert found.configurations[0]["optimizer"] == "adamw"
    assert found.common["architecture"] == "cnn"
    assert found.members[0]["name"] == "a 7"
    assert "layers" in found.members[0]


def test_a_sweep_of_too_few_trials_is_refused_by_name(sweep):
    with pytest.raises(StateError, match="few: 3 of its configurations have a score and an end"):
        team_portfolio([sweep("a", RISING), sweep("few", RISING[:3])])
