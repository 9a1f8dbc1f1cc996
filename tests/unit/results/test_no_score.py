"""A sweep without a best trial says why, and what to type next."""

from dataclasses import replace

import pytest

from sweeper.errors import FailureKind
from sweeper.results.no_score import no_score
from sweeper.trial import Cause, Decision, Outcome, State, Verdict


@pytest.fixture
def said(board, history, spec):
    return lambda *trials: no_score(board(history(*trials), spec()).sweep)


def test_networks_that_all_take_more_than_the_limits_are_said_to(said, trial):
    found = [trial(number, 1, [0.9], state=State.STOPPED, is_over_limit=True) for number in range(3)]
    over = Verdict(Decision.STOP, "0.21 milliseconds, objective.limits allows 0.1", cause=Cause.LIMIT)
    for each in found:
        each.verdicts.append((1, over))
    problem, hint = said(*found)
    assert problem == f"none of 3 trials with a score keeps objective.limits ({over.reason})"
    assert "raise the limit" in hint


def test_trials_that_all_failed_are_counted_by_what_failed(said, trial):
    failed = [
        trial(number, 1, [], state=State.FAILED, outcome=Outcome(State.FAILED, FailureKind.DIVERGED))
        for number in range(2)
    ]
    assert said(*failed) == (
        "no trial has a score: each of 2 trials failed (2 diverged)",
        "sweeper logs digits",
    )


def test_a_sweep_that_goes_on_has_none_yet(said, trial, board, history, spec):
    assert said(trial(0, 1, []))[0] == "no trial reported a finite valid/top1"
    found = replace(board(history(trial(0, 1, [])), spec()).sweep)
    found.history.closed = ""
    assert no_score(found) == ("no trial has a score yet", "sweeper status digits")
