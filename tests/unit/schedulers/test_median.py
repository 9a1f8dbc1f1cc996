import math

import pytest

from sweeper.errors import SpecError
from sweeper.schedulers import scheduler
from sweeper.trial import Decision, Goal, Report

GO, STOP = Decision.CONTINUE, Decision.STOP


def build(goal=Goal.MAXIMIZE, grace=1, min_trials=3):
    return scheduler["median"](goal, 20, grace=grace, min_trials=min_trials)


def run(median, trial, *scores):
    return [median.on_report(trial, Report(epoch, score)) for epoch, score in enumerate(scores, start=1)]


def others(median, *curves):
    for place, curve in enumerate(curves):
        run(median, f"other{place}", *curve)


@pytest.mark.parametrize(
    ("goal", "curves", "own", "decision"),
    [
        (Goal.MAXIMIZE, [[0.2, 0.4], [0.4, 0.6], [0.6, 0.8]], [0.1, 0.49], STOP),  # averages 0.3 0.5 0.7
        (Goal.MAXIMIZE, [[0.2, 0.4], [0.4, 0.6], [0.6, 0.8]], [0.1, 0.5], GO),
        (Goal.MAXIMIZE, [[0.2, 0.4], [0.4, 0.6], [0.6, 0.8]], [0.6, 0.0], GO),  # its best counts
        (Goal.MINIMIZE, [[0.2, 0.4], [0.4, 0.6], [0.6, 0.8]], [0.9, 0.51], STOP),
        (Goal.MINIMIZE, [[0.2, 0.4], [0.4, 0.6], [0.6, 0.8]], [0.5, 0.9], GO),
        (Goal.MAXIMIZE, [[0.2, 0.4], [0.4, 0.6]], [0.0, 0.0], GO),  # too few to compare with
        (Goal.MAXIMIZE, [[0.2, 0.4], [0.4, 0.6], [0.9]], [0.0, 0.0], GO),  # one never got so far
        (Goal.MAXIMIZE, [[0.5, 0.5]] * 3, [0.5, 0.5], GO),  # equal is not worse
    ],
)
def test_it_stops_what_is_worse_than_the_median_of_the_others_averages(goal, curves, own, decision):
    median = build(goal, grace=2)
    others(median, *curves)
    assert run(median, "own", *own)[-1].decision is decision


def test_nobody_is_stopped_within_the_grace():
    median = build(grace=3)
    others(median, [1.0] * 4, [1.0] * 4, [1.0] * 4)
    assert [verdict.decision for verdict in run(median, "own", 0.0, 0.0, 0.0)] == [GO, GO, STOP]


def test_a_verdict_names_epoch_rank_and_median_in_the_objectives_own_unit():
    median = build(Goal.MINIMIZE)
    others(median, [0.2], [0.4], [0.6])
    verdict = run(median, "own", 0.5)[0]
    assert (verdict.rung, verdict.rank, verdict.of, verdict.threshold) == (1.0, 3, 4, 0.4)
    assert verdict.reason == "worse than the median"


def test_an_epoch_that_is_reported_again_counts_once():
    median = build(min_trials=1)
    run(median, "other", 0.5)
    median.on_report("other", Report(1, 0.5))
    assert median.on_report("own", Report(1, 0.5)).of == 2


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_stops_and_never_votes(score):
    median = build(min_trials=1)
    assert run(median, "broken", score)[0].decision is STOP
    assert "0 of 1 trials" in run(median, "own", 0.0)[0].reason


@pytest.mark.parametrize("option", [{"grace": 0}, {"min_trials": 0}, {"grace": 1.5}])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(SpecError):
        scheduler.check("median", option)
