import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.store.history import Attempt, SweepHistory, TrialHistory
from sweeper.sweep.marginal_gain import UNKNOWN, Gain, ceiling_of, concluded, gain_ahead
from sweeper.sweep.rules import NEWEST
from sweeper.sweep.stop_criterion import StopCriterion
from sweeper.trial import Goal, Report, State


def random_search(count, seed):
    random = np.random.default_rng(seed)
    return list(zip(random.lognormal(0, 0.7, count), random.beta(5, 2, count), strict=True))


def mean_over_seeds(count, field, ahead=0.25):
    gains = [gain_ahead(random_search(count, seed), ahead, seed) for seed in range(40)]
    return float(np.mean([getattr(gain, field) for gain in gains]))


@pytest.mark.parametrize("field", ["expected", "high"])
def test_the_more_was_drawn_from_one_distribution_the_less_another_quarter_brings(field):
    few, more, most = (mean_over_seeds(count, field) for count in (20, 80, 320))
    assert few > 1.4 * more > 0
    assert more > 1.2 * most > 0


@pytest.mark.parametrize("count", [20, 80])
def test_the_interval_holds_what_a_random_search_gains_and_the_expectation_is_about_right(count):
    ahead, held, true, expected = 0.25, 0, list[float](), list[float]()
    for seed in range(100):
        drawn = random_search(count + count // 4, seed)
        gain = gain_ahead(drawn[:count], ahead, seed)
        before = max(score for _, score in drawn[:count])
        true.append(max(0.0, max(score for _, score in drawn[count:]) - before))
        expected.append(gain.expected)
        held += gain.low <= true[-1] <= gain.high
    assert held >= 90
    assert 0.4 < np.mean(expected) / np.mean(true) < 2.5


def test_a_search_that_still_gets_better_keeps_a_high_upper_end():
    rising = [(1.0, 0.5 + 0.002 * step) for step in range(100)]
    gain = gain_ahead(rising, 0.25)
    assert gain.expected >= 0.04  # what the last quarter brought
    assert gain.high >= gain.expected >= gain.low


def test_an_adaptive_search_that_starts_to_rise_late_does_not_look_exhausted():
    flat = [(1.0, 0.5)] * 60
    assert gain_ahead(flat, 0.25).high == 0.0
    assert gain_ahead([*flat, *((1.0, 0.5 + 0.01 * step) for step in range(10))], 0.25).high > 0.08


def test_a_search_that_rose_and_then_stood_still_is_exhausted():
    ended = [(1.0, min(0.9, 0.05 * step)) for step in range(100)]
    assert gain_ahead(ended, 0.25) == Gain(0.0, 0.0, 0.0)


def test_more_ahead_brings_more():
    assert (
        mean_over_seeds(60, "high", 0.1)
        < mean_over_seeds(60, "high", 0.25)
        < mean_over_seeds(60, "high", 2.0)
    )


@pytest.mark.parametrize(
    "ended",
    [
        [], [(1.0, 0.5)], [(1.0, 0.5)] * 4, [(1.0, math.nan)] * 50,
        [(1.0, math.inf)] * 20 + [(1.0, 0.1)] * 4, [(math.nan, math.nan)] * 6,
    ],
)  # fmt: skip
def test_of_fewer_than_five_scores_nobody_can_tell(ended):
    assert gain_ahead(ended, 0.25) == UNKNOWN


@pytest.mark.parametrize("cost", [0.0, 1.0, 1e12, -3.0, math.nan, math.inf])
def test_equal_scores_promise_nothing_whatever_they_cost(cost):
    assert gain_ahead([(cost, 0.7)] * 20, 0.25) == Gain(0.0, 0.0, 0.0)


def test_nothing_ahead_brings_nothing():
    assert gain_ahead(random_search(30, 1), 0.0) == Gain(0.0, 0.0, 0.0)


def test_nothing_is_promised_above_the_ceiling():
    rising = [(1.0, 0.9 + 0.001 * step) for step in range(90)]
    gain = gain_ahead(rising, 0.25, ceiling=ceiling_of("valid/top5"))
    assert gain.high == gain.expected == pytest.approx(0.011)
    assert gain_ahead([(1.0, -0.0)] * 9, 0.25, ceiling=ceiling_of("valid/loss")).high == 0


def test_failed_trials_cost_but_bring_nothing():
    good = random_search(40, 3)
    spoilt = [pair for one in good for pair in (one, (one[0], math.nan))]
    assert gain_ahead(spoilt, 0.25).high == pytest.approx(gain_ahead(good, 0.25).high, rel=0.5)


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.one_of(st.floats(-1, 1), st.just(math.nan), st.just(math.inf))),
        max_size=40,
    ),
    st.sampled_from([0.01, 0.25, 1.0, 5.0]),
)
def test_whatever_comes_the_ends_are_in_order_and_nothing_is_nan(ended, ahead):
    gain = gain_ahead(ended, ahead)
    assert 0.0 <= gain.low <= gain.expected <= gain.high
    assert gain_ahead(ended, ahead) == gain


def test_ten_thousand_trials_take_some_lines_each(lines_run):
    ended = random_search(10_000, 1)
    lines_run(lambda: gain_ahead(ended, 0.25), at_most=20 * len(ended))


def paused(trial, number, billed, share=0.5):
    return Attempt(trial, number, billed=billed, productive=billed, share=share, ended="paused")


def test_what_ended_is_told_attempt_by_attempt_with_the_best_score_until_then():
    two = TrialHistory(
        "a", 0, {}, 1, reports=[Report(1, 0.3, 10.0), Report(2, 0.2, 20.0), Report(3, 0.6, 30.0)]
    )
    one = TrialHistory("b", 1, {}, 1, reports=[Report(1, 0.5, 8.0)])
    failed = TrialHistory("c", 2, {}, 1)
    final = TrialHistory("d", 3, {}, 1, reports=[Report(1, 0.9, 9.0)], is_final_run=True)
    first, second = paused("a", 1, 40.0), paused("a", 2, 20.0)
    two.attempts = [first, second]
    one.attempts, failed.attempts, final.attempts = ([paused(name, 1, 16.0)] for name in "bcd")
    history = SweepHistory(trials={trial.id: trial for trial in (two, one, failed, final)})
    history.settled = [first, *one.attempts, *failed.attempts, second, *final.attempts]
    pairs = concluded(history, Goal.MAXIMIZE)
    assert [cost for cost, _ in pairs] == [20.0, 8.0, 8.0, 10.0]
    assert [score for _, score in pairs] == pytest.approx([0.3, 0.5, math.nan, 0.6], nan_ok=True)
    assert [score for _, score in concluded(history, Goal.MINIMIZE)][3] == -0.2


def test_who_looks_again_and_again_is_asked_for_more_each_time():
    """One look in twenty leaves the truth outside: of thirty looks, one would."""
    ended = random_search(60, 3)
    highs = [gain_ahead(ended, 0.25, 3, looks=looks).high for looks in (1, 2, 5, 30)]
    assert highs == sorted(highs)
    assert highs[-1] > 1.2 * highs[0] > 0


def test_a_sweep_from_before_looks_were_counted_goes_on_by_its_own_rule(toy_spec):
    history = SweepHistory()
    for number, (cost, score) in enumerate(random_search(40, 3)):
        trial = TrialHistory(f"t{number}", number, {}, 0, reports=[Report(1, score, cost)])
        trial.attempts = [Attempt(trial.id, 1, billed=cost, productive=cost, ended="completed")]
        history.trials[trial.id] = trial
        history.settled += trial.attempts
    high = gain_ahead(concluded(history, Goal.MAXIMIZE), 0.25, 7, ceiling=1.0).high
    spec = toy_spec(stop_when={"gain": 1.01 * high, "after": 1})
    ended = {name: StopCriterion(spec, meta) for name, meta in (("old", {}), ("new", NEWEST))}
    for each in ended.values():
        for trial in history.trials.values():
            trial.state = State.COMPLETED
            each.is_due(history, trial)
    assert ended["old"].look(history) is not None
    assert ended["new"].look(history) is None
