"""What every scheduler keeps to, whoever adds it."""

import inspect
import math

import numpy as np
import pytest

from sweeper.schedulers import scheduler
from sweeper.trial import Decision, Goal, Report, Verdict

VARIANTS = [
    *[(name, {}) for name in scheduler],
    ("asha", {"kind": "promote"}),
    ("asha", {"rule": "ray"}),
    ("asha", {"brackets": 2}),
    ("asha", {"ties": "together"}),
    ("asha", {"resource": "device_seconds", "max": 20.0}),
    ("asha", {"resource": "device_seconds", "max": 20.0, "kind": "promote"}),
]
IDS = [f"{name}{options or ''}" for name, options in VARIANTS]


def build(name, options, goal=Goal.MAXIMIZE):
    return scheduler[name](goal, 9, **options)


def trace(seed, trials=30, epochs=9):
    """Reports of trials that run side by side, one in a dozen of them not a number."""
    random = np.random.default_rng(seed)
    reached = dict.fromkeys([f"t{n}" for n in range(trials)], 0)
    while reached:
        trial = list(reached)[int(random.integers(len(reached)))]
        reached[trial] += 1
        score = (
            float(random.normal()) if random.random() > 0.08 else float(random.choice([math.nan, math.inf]))
        )
        yield trial, Report(reached[trial], score, 2.0 * reached[trial])
        if reached[trial] == epochs:
            del reached[trial]


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=IDS)
@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("goal", [Goal.MAXIMIZE, Goal.MINIMIZE])
@pytest.mark.parametrize("epoch", [1, 5])
def test_a_score_that_is_no_number_stops_the_trial_and_says_so(name, options, score, goal, epoch):
    each = build(name, options, goal)
    verdict = each.on_report("t", Report(epoch, score, float(epoch)))
    assert verdict.decision is Decision.STOP
    assert str(score) in verdict.reason


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=IDS)
def test_every_verdict_is_whole_and_gives_its_reason(name, options):
    each = build(name, options)
    for trial, report in trace(1):
        verdict = each.on_report(trial, report)
        assert isinstance(verdict, Verdict)
        assert verdict.reason
        assert len(verdict.reason) < 120
        numbers = (verdict.rung, verdict.threshold)
        assert all(number is None or math.isfinite(number) for number in numbers)
        if verdict.rank is not None:
            assert 1 <= verdict.rank <= verdict.of


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=IDS)
def test_the_same_reports_give_the_same_decisions(name, options):
    """A resumed sweep replays the record into a new scheduler."""
    first, second = build(name, options), build(name, options)
    for trial, report in trace(2):
        assert first.on_report(trial, report) == second.on_report(trial, report)
        assert first.next_promotion() == second.next_promotion()


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=IDS)
def test_turning_scores_and_goal_over_changes_nothing(name, options):
    up, down = build(name, options, Goal.MAXIMIZE), build(name, options, Goal.MINIMIZE)
    for trial, report in trace(3):
        mirrored = Report(report.epoch, -report.score, report.device_seconds)
        assert up.on_report(trial, report).decision is down.on_report(trial, mirrored).decision


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=IDS)
def test_only_a_trial_that_was_paused_is_promoted_and_once_for_each_pause(name, options):
    each, paused = build(name, options), set()
    for trial, report in trace(4):
        if each.on_report(trial, report).decision is Decision.PAUSE:
            paused.add(trial)
        promoted = each.next_promotion()
        assert promoted is None or promoted in paused
        paused.discard(promoted)


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=IDS)
def test_a_report_that_comes_again_after_a_restart_stops_nobody_who_was_let_on(name, options):
    """An attempt that was lost repeats the epochs behind its checkpoint."""
    each = build(name, options)
    for trial in "abcdef":
        for epoch in (1, 2):
            first = each.on_report(trial, Report(epoch, 0.5, 2.0 * epoch)).decision
            again = each.on_report(trial, Report(epoch, 0.5, 2.0 * epoch)).decision
            assert first is not Decision.CONTINUE or again is Decision.CONTINUE


@pytest.mark.parametrize("name", list(scheduler))
def test_a_scheduler_reads_no_clock_and_opens_no_file(name):
    source = inspect.getsource(inspect.getmodule(scheduler[name]))
    assert not {"import time", "import os", "open(", "import random"} & set(source.split("\n"))
    assert "random" not in source.lower() or name == "asha"


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=IDS)
def test_a_milestone_lies_ahead_and_asking_for_it_changes_nothing(name, options):
    asked, silent = build(name, options), build(name, options)
    last = {}
    for trial, report in trace(3):
        for known in (None, last.get(trial)):
            milestone = asked.next_rung(trial, known)
            if milestone is not None:
                behind = known or Report(0, 0.0)
                reached = behind.epoch if milestone.resource == "epoch" else behind.device_seconds
                assert milestone.level > reached
        assert asked.on_report(trial, report) == silent.on_report(trial, report)
        last[trial] = report
