import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.store.history import Attempt, SweepHistory, TrialHistory
from sweeper.sweep.ranking import best_of, ranked_configs
from sweeper.trial import Goal, Report, State


def trial(number, layers, *scores, repeat=0, final=False, state=State.COMPLETED, seconds=10.0):
    made = TrialHistory(f"t{number}", number, {"layers": layers}, seed=number, repeat=repeat, state=state)
    made.is_final_run = final
    made.reports = [Report(epoch, score) for epoch, score in enumerate(scores, 1)]
    made.attempts = [Attempt(made.id, 1, billed=seconds)]
    return made


def history(*trials):
    return SweepHistory(trials={trial.id: trial for trial in trials})


def ranked(*trials, goal=Goal.MAXIMIZE):
    return [standing.config["layers"] for standing in ranked_configs(history(*trials), goal)]


def test_configurations_of_one_run_stand_by_their_best_epoch():
    trials = (trial(0, 1, 0.3, 0.9, 0.4), trial(1, 2, 0.5, 0.6), trial(2, 3))
    assert ranked(*trials) == [1, 2]
    assert ranked(*trials, goal=Goal.MINIMIZE) == [1, 2]
    first = ranked_configs(history(*trials), Goal.MAXIMIZE)[0]
    assert (first.mean, first.scores, first.runs, first.is_final, first.cost) == (0.9, (0.9,), 1, False, 10)


def test_repeats_stand_as_one_by_their_mean():
    lucky = [trial(0, 1, 0.9), trial(1, 1, 0.3, repeat=1)]
    steady = [trial(2, 2, 0.7), trial(3, 2, 0.8, repeat=1), trial(4, 2, 0.75, repeat=2)]
    best, second = ranked_configs(history(*lucky, *steady), Goal.MAXIMIZE)
    assert best.config == {"layers": 2}
    assert [one.number for one in best.trials] == [2, 3, 4]
    assert (best.runs, best.cost) == (3, 30)
    assert best.mean == pytest.approx(0.75)
    assert best.scores == (0.7, 0.8, 0.75)
    assert second.mean == pytest.approx(0.6)


def test_a_repeat_that_was_stopped_early_counts_only_where_none_was_completed():
    stopped = trial(1, 1, 0.1, repeat=1, state=State.STOPPED)
    assert ranked_configs(history(trial(0, 1, 0.9), stopped), Goal.MAXIMIZE)[0].mean == 0.9
    alone = trial(2, 2, 0.4, state=State.STOPPED)
    both = trial(3, 2, 0.2, repeat=1, state=State.STOPPED)
    assert ranked_configs(history(alone, both), Goal.MAXIMIZE)[0].mean == pytest.approx(0.3)


def test_final_runs_come_first_and_count_without_the_lucky_run_that_chose_them():
    finals = [trial(2, 1, 0.7, repeat=1, final=True), trial(3, 1, 0.8, repeat=2, final=True)]
    found = ranked_configs(history(trial(0, 1, 0.99), trial(1, 2, 0.9), *finals), Goal.MAXIMIZE)
    assert [standing.config["layers"] for standing in found] == [1, 2]
    assert (found[0].mean, found[0].runs, found[0].is_final) == (pytest.approx(0.75), 2, True)
    assert not found[1].is_final


def test_a_final_run_under_way_does_not_put_its_configuration_first():
    running = trial(2, 1, 0.1, repeat=1, final=True, state=State.RUNNING)
    found = ranked_configs(history(trial(0, 1, 0.8), trial(1, 2, 0.9), running), Goal.MAXIMIZE)
    assert [standing.is_final for standing in found] == [False, False]
    assert found[0].config == {"layers": 2}


def test_among_final_runs_a_loss_is_better_when_lower():
    finals = [trial(0, 1, 0.5, final=True), trial(1, 2, 0.4, final=True), trial(2, 3, 0.1)]
    assert ranked(*finals, goal=Goal.MINIMIZE) == [2, 1, 3]


def test_of_equal_configurations_the_cheaper_stands_first_then_the_earlier():
    assert ranked(trial(0, 1, 0.5, seconds=9), trial(1, 2, 0.5, seconds=3), trial(2, 3, 0.5, seconds=3)) == [
        2, 3, 1,
    ]  # fmt: skip


def test_what_has_no_finite_score_has_no_place():
    trials = (trial(0, 1, math.nan), trial(1, 2, math.inf), trial(2, 3, state=State.FAILED))
    assert ranked_configs(history(*trials), Goal.MAXIMIZE) == []
    assert best_of(history(*trials), Goal.MAXIMIZE) is None
    assert best_of(SweepHistory(), Goal.MINIMIZE) is None


def test_the_best_trial_is_the_best_run_of_the_best_configuration():
    lucky = [trial(0, 1, 0.9), trial(1, 1, 0.3, repeat=1)]
    steady = [trial(2, 2, 0.7), trial(3, 2, 0.8, repeat=1)]
    assert best_of(history(*lucky, *steady), Goal.MAXIMIZE).number == 3
    assert best_of(history(lucky[0], steady[0]), Goal.MAXIMIZE).number == 0


RUNS = st.tuples(
    st.integers(1, 4),
    st.one_of(st.sampled_from([0.1, 0.2, 0.3, 0.5]), st.just(math.nan)),
    st.booleans(),
    st.sampled_from([State.COMPLETED, State.STOPPED, State.RUNNING]),
    st.sampled_from([1.0, 2.0]),
)


@given(st.lists(RUNS, max_size=12), st.sampled_from([Goal.MAXIMIZE, Goal.MINIMIZE]))
def test_the_short_way_to_the_best_trial_ends_where_the_long_one_does(runs, goal):
    trials = [
        trial(number, layers, score, repeat=1 + number, final=final, state=state, seconds=seconds)
        for number, (layers, score, final, state, seconds) in enumerate(runs)
    ]
    sign = 1 if goal == Goal.MAXIMIZE else -1
    ranked = ranked_configs(history(*trials), goal)
    first = [one for one in ranked[0].trials if one.best(goal)] if ranked else []
    key = lambda one: (-sign * one.best(goal).score, one.device_seconds, one.number)  # noqa: E731
    assert best_of(history(*trials), goal) is min(first, key=key, default=None)


def test_the_order_of_keys_does_not_make_another_configuration():
    first, second = trial(0, 1, 0.4), trial(1, 1, 0.6, repeat=1)
    first.config, second.config = {"a": 1, "b": [2]}, {"b": [2], "a": 1}
    (standing,) = ranked_configs(history(first, second), Goal.MAXIMIZE)
    assert standing.mean == pytest.approx(0.5)
