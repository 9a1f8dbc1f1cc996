import functools
import math

import numpy as np
import optuna
import pytest

from sweeper.search import searcher
from sweeper.search.parts.axes import ABSENT, Axes
from sweeper.search.parts.encoding import decoded, flattened
from sweeper.search.parts.rung_sampler import COST, RungSampler
from sweeper.trial import Goal, State, canonical

RATE = {"learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1}}


def gp(space, goal=Goal.MAXIMIZE, seed=7, **options):
    return searcher["gp"](space, goal, seed, **({"startup": 8, "least": 6, "random_share": 0.0} | options))


def tell(search, number, config, curve, state=State.STOPPED, cost=1.0):
    search.register(number, config)
    for epoch, score in curve.items():
        search.on_report(number, epoch, score)
    search.on_complete(number, state, max(curve.values(), default=None), cost)


def taught(space, curve_of, count=24, cost_of=lambda config: 1.0, goal=Goal.MAXIMIZE, **options):
    search, random = gp(space, goal, **options), searcher["random"](space, goal, 1)
    for number in range(count):
        config = random.suggest(number)
        tell(search, number, config, curve_of(config), cost=cost_of(config))
    return search


def exponent(config):
    return math.log10(config["learning_rate"])


@pytest.mark.parametrize("goal", list(Goal))
def test_it_proposes_near_what_scored_best(make_space, goal):
    space = make_space(RATE)
    search = taught(space, lambda config: {2: -goal.sign * abs(exponent(config) + 2.5)}, goal=goal)
    found = [exponent(search.suggest(number)) for number in range(24, 30)]
    assert np.median(np.abs(np.array(found) + 2.5)) < 0.3


def test_a_trial_that_was_trained_in_full_early_does_not_count_as_good_for_that(make_space):
    """Optuna's TPE ranks what is complete before all that was pruned."""
    space = make_space(RATE)
    lucky = [{"learning_rate": 10 ** (-1.2 - 0.02 * step)} for step in range(4)]

    def nearest(name, **options):
        search = taught(space, lambda config: {2: -abs(exponent(config) + 3.5)}, **options)
        if name == "tpe":
            search, random = (
                searcher["tpe"](space, Goal.MAXIMIZE, 7),
                searcher["random"](space, Goal.MAXIMIZE, 1),
            )
            for number in range(24):
                config = random.suggest(number)
                tell(search, number, config, {2: -abs(exponent(config) + 3.5)})
        for number, config in enumerate(lucky, 24):
            score = -abs(exponent(config) + 3.5)
            tell(search, number, config, dict.fromkeys(range(2, 20), score), State.COMPLETED)
        return np.median([exponent(search.suggest(number)) for number in range(28, 38)])

    assert nearest("gp") == pytest.approx(-3.5, abs=0.4)
    assert nearest("tpe") > -2.5


def test_of_equally_good_ones_it_proposes_what_trains_fast(make_space):
    space = make_space(RATE | {"width": {"min": 0.0, "max": 1.0}})

    def width(slope, weight):
        search = taught(
            space,
            lambda config: {2: 0.5},
            cost_of=lambda config: math.exp(slope * config["width"]),
            cost_weight=weight,
        )
        return np.mean([search.suggest(number)["width"] for number in range(24, 34)])

    blind = width(8, 0.0)
    assert width(-8, 0.0) == blind
    assert width(8, 1.0) < blind - 0.2 < blind + 0.2 < width(-8, 1.0)


def test_what_cannot_be_trained_is_not_proposed_again_and_again(make_space):
    space = make_space(RATE)
    search = taught(space, lambda config: {2: -abs(exponent(config) + 2.0)})
    for number in range(24, 34):
        config = search.suggest(number)
        search.on_complete(number, State.INFEASIBLE, None)
    assert len({canonical(search.suggest(number)) for number in range(34, 40)}) == 6
    assert config


def test_a_share_of_the_proposals_is_random(make_space):
    space = make_space(RATE)
    search = taught(space, lambda config: {2: -abs(exponent(config) + 2.5)}, random_share=0.5)
    far = sum(abs(exponent(search.suggest(number)) + 2.5) > 0.5 for number in range(24, 64))
    assert 8 <= far <= 28


def _value(named, label, parameter):
    return parameter.value if label == "epochs" else decoded(parameter, named[label])


def test_rows_are_configurations_of_a_space_with_conditions(make_space):
    space = make_space()
    axes, random = Axes.of_space(space), np.random.default_rng(0)
    drawn = axes.drawn(200, random)
    for row in [*drawn, *axes.near(drawn, 0.3, random)]:
        named = axes.values(row)
        config = space.sample(functools.partial(_value, named))
        assert space.contains(config)
        assert set(flattened(space, config)) == set(named)


def test_rows_hold_a_configuration_and_give_it_back(make_space):
    space = make_space()
    axes, random = Axes.of_space(space), searcher["random"](space, Goal.MAXIMIZE, 3)
    for number in range(50):
        named = {name: value for name, (_, value) in flattened(space, random.suggest(number)).items()}
        again = axes.values(axes.rows([named])[0])
        assert again.keys() == named.keys()
        assert all(again[k] == v or again[k] == pytest.approx(v, rel=1e-9) for k, v in named.items())


def test_what_does_not_exist_lies_half_way_for_the_model(make_space):
    axes = Axes.of_space(
        make_space({"layers": {"min": 1, "max": 2}, "filters": {"values": [1, 2], "per": "layers"}})
    )
    row = axes.rows([{"layers": 1, "filters.1": 2}])
    assert row.tolist() == [[0.0, 1.0, ABSENT]]
    assert axes.features(row) == pytest.approx(np.array([[0, 0, 0.5**0.5, 0, 0]]))


def test_a_proposal_costs_no_more_with_a_thousand_trials_than_with_a_hundred(make_space, lines_run):
    space = make_space(RATE)

    def cost(trials):
        search = taught(space, lambda config: {2: -abs(exponent(config) + 2.5)}, count=trials)
        search.suggest(trials)
        return lines_run(lambda: search.suggest(trials + 1))

    assert cost(1_000) < 1.2 * cost(100)


def test_in_plain_optuna_it_finds_more_than_random_draws():
    def objective(trial):
        kind = trial.suggest_categorical("kind", ["a", "b"])
        rate, depth = trial.suggest_float("rate", 1e-4, 1e-1, log=True), trial.suggest_int("depth", 1, 8)
        momentum = trial.suggest_float("momentum", 0.0, 1.0) if kind == "a" else 0.5
        goal = -abs(math.log10(rate) + 2.5) - 0.2 * abs(depth - 5) - abs(momentum - 0.8)
        for step in range(1, 10):
            trial.report(goal - 1 / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        trial.set_user_attr(COST, 9.0)
        return goal

    def best(sampler):
        study = optuna.create_study(
            direction="maximize",
            sampler=sampler,
            pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
        )
        study.optimize(objective, n_trials=40)
        return study.best_value

    ours = [best(RungSampler(seed=seed)) for seed in range(3)]
    theirs = [best(optuna.samplers.RandomSampler(seed=seed)) for seed in range(3)]
    assert np.mean(ours) > np.mean(theirs) + 0.1


def test_it_refuses_a_study_of_two_objectives():
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=RungSampler(seed=0))
    with pytest.raises(ValueError, match="multi-objective"):
        study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 1.0), n_trials=1)


def test_what_was_worked_out_before_changes_no_proposal(make_space):
    """A search that proposed all along has what earlier trials told at hand; a resumed one has not."""
    space = make_space(RATE)

    def curve(config):
        return {1: -abs(exponent(config) + 2), 2: -abs(exponent(config) + 2.5)}

    def proposals(asks_on_the_way):
        search, random = gp(space), searcher["random"](space, Goal.MAXIMIZE, 1)
        for number in range(40):
            config = random.suggest(number)
            tell(search, number, config, {1: curve(config)[1]})
            if asks_on_the_way:
                search.suggest(1_000 + number)
                search.on_complete(1_000 + number, State.FAILED, None)
            search.on_report(number, 2, curve(config)[2])  # it was promoted
        return [search.suggest(number) for number in range(40, 44)]

    assert proposals(asks_on_the_way=True) == proposals(asks_on_the_way=False)


def test_a_late_proposal_looks_at_fewer_candidates(make_space, monkeypatch):
    space, drawn = make_space(RATE), []
    monkeypatch.setattr(
        Axes,
        "drawn",
        lambda self, count, random, inner=Axes.drawn: drawn.append(count) or inner(self, count, random),
    )
    for first in (0, 10_000):
        search, random = gp(space), searcher["random"](space, Goal.MAXIMIZE, 1)
        for number in range(first, first + 24):
            config = random.suggest(number)
            tell(search, number, config, {2: exponent(config)})
        search.suggest(first + 24)
    assert drawn == [300, 60]
