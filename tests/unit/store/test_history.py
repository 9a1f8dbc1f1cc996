import math

import pytest

from sweeper.errors import FailureKind
from sweeper.store.event_lines import Line, parse_lines
from sweeper.store.events import WorkBooked
from sweeper.store.history import SweepHistory
from sweeper.store.history import replay as folded
from sweeper.trial import Decision, Goal, Outcome, Report, State


def replay(lines) -> SweepHistory:
    """What the record tells, from lines as it spells them."""
    return folded(parse_lines(lines))


GRANT = {"node": "n", "device": "A10", "is_gpu": True, "share": 0.5, "usd_per_hour": 2.0, "granted": 1.0}


def asked(trial="t", number=0, **body):
    return Line("asked", trial, body={"number": number, "config": {"layers": 3}, "seed": 7, **body})


def granted(attempt=1, trial="t", **body):
    return Line("granted", trial, attempt, GRANT | body)


def reported(epoch, score=0.5, attempt=1, trial="t", **body):
    return Line("reported", trial, attempt, {"epoch": epoch, "score": score, **body})


def decided(epoch, decision="continue", attempt=1, trial="t", **body):
    return Line("decided", trial, attempt, {"epoch": epoch, "decision": decision, **body})


def ended(
    state="completed", attempt=1, trial="t", kind="", message="", billed=4.0, productive=3.0, print_=""
):
    outcome = {"state": state, "kind": kind, "message": message, "fingerprint": print_}
    return Line("ended", trial, attempt, outcome | {"billed": billed, "productive": productive})


def test_an_empty_log_tells_of_nothing():
    history = replay([])
    assert (history.trials, history.launches, history.closed, history.attempts) == ({}, 0, "", [])


def test_a_trial_that_was_only_asked_for_waits():
    trial = replay([asked(point="study", repeat=2)]).trials["t"]
    assert (trial.state, trial.number, trial.seed, trial.point, trial.repeat) == (
        State.WAITING, 0, 7, "study", 2,
    )  # fmt: skip
    assert (trial.last, trial.best(Goal.MAXIMIZE), trial.usd, trial.device_seconds) == (None, None, 0, 0)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([granted()], State.RUNNING),
        ([granted(), reported(1)], State.RUNNING),
        ([granted(), ended("paused")], State.PAUSED),
        ([granted(), ended("paused"), granted(2)], State.RUNNING),
        ([granted(), ended("waiting", kind="preempted")], State.WAITING),
        ([granted(), ended("failed", kind="error")], State.FAILED),
        ([ended("waiting")], State.WAITING),
        ([granted(), ended("paused"), ended("stopped", attempt=0)], State.STOPPED),
        ([granted(), ended("failed"), Line("retried", "t")], State.WAITING),
    ],
)
def test_a_trial_stands_where_its_last_event_left_it(events, state):
    assert replay([asked(), *events]).trials["t"].state is state


def test_each_epoch_is_kept_once_and_the_newer_attempt_wins():
    events = [granted(), reported(1, 0.1), reported(2, 0.2), reported(3, 0.3), ended("waiting"),
              granted(2), reported(2, 0.25, attempt=2)]  # fmt: skip
    reports = replay([asked(), *events]).trials["t"].reports
    assert [(report.epoch, report.score) for report in reports] == [(1, 0.1), (2, 0.25)]


def test_the_answer_belongs_to_the_newest_attempt():
    events = [asked(), granted(), reported(1), decided(1, "pause"), ended("paused")]
    assert replay(events).trials["t"].answer.decision is Decision.PAUSE
    trial = replay([*events, granted(2)]).trials["t"]
    assert trial.answer is None
    assert [(epoch, verdict.decision) for epoch, verdict in trial.verdicts] == [(1, Decision.PAUSE)]


def test_a_verdict_keeps_the_numbers_behind_it():
    numbers = {"rung": 3.0, "rank": 2, "of": 5, "threshold": 0.4, "reason": "among the best"}
    verdict = replay([asked(), granted(), decided(3, **numbers)]).trials["t"].verdicts[0][1]
    assert {name: getattr(verdict, name) for name in numbers} == numbers


@pytest.mark.parametrize(
    ("goal", "scores", "epoch"),
    [
        (Goal.MAXIMIZE, [0.1, 0.3, 0.2], 2),
        (Goal.MINIMIZE, [0.1, 0.3, 0.2], 1),
        (Goal.MAXIMIZE, [0.3, 0.3, 0.1], 1),
        (Goal.MINIMIZE, [0.3, 0.1, 0.1], 2),
        (Goal.MAXIMIZE, [math.nan, 0.1, math.inf], 2),
        (Goal.MINIMIZE, [-math.inf, 0.1, math.nan], 2),
        (Goal.MAXIMIZE, [math.nan, math.inf], None),
        (Goal.MAXIMIZE, [], None),
    ],
)
def test_the_best_report_is_the_earliest_of_the_best_finite_ones(goal, scores, epoch):
    events = [reported(place, score) for place, score in enumerate(scores, start=1)]
    best = replay([asked(), granted(), *events]).trials["t"].best(goal)
    assert (best.epoch if best else None) == epoch


def test_costs_follow_beats_decisions_and_ends_of_the_running_attempt_only():
    beat = Line("beat", body={"wall": 9.0, "capacity": 20.0, "attempts": {"t": [1, 2.0, 1.5]}})
    late = Line("beat", body={"attempts": {"t": [1, 99.0, 99.0]}})
    log = [asked(), granted(), beat]
    assert replay(log).trials["t"].attempts[0].billed == 2.0
    log.append(decided(1, billed=3.0, productive=2.5))
    assert replay(log).trials["t"].attempts[0].productive == 2.5
    log += [ended("waiting", kind="preempted", billed=4.0), late, granted(2), late, decided(1, billed=9.0)]
    first, second = replay(log).trials["t"].attempts
    assert (first.billed, first.ended, second.billed) == (4.0, "preempted", 0.0)
    assert (replay(log).wall_seconds, replay(log).capacity_device_seconds) == (9.0, 20.0)


def test_device_seconds_and_money_are_the_share_of_what_is_billed():
    trial = replay([asked(), granted(), ended(billed=7200.0, productive=3600.0)]).trials["t"]
    assert trial.device_seconds == 3600.0
    assert trial.attempts[0].productive_device_seconds == 1800.0
    assert trial.usd == 2.0
    unpriced = replay([asked(), granted(), ended("waiting"), granted(2, usd_per_hour=None)]).trials["t"]
    assert unpriced.usd is None


def test_how_attempts_ended_is_kept_in_order_and_forgotten_by_a_retry():
    log = [asked(), granted(), ended("waiting", kind="error", message="m", print_="f"),
           ended("failed", attempt=2, kind="error")]  # fmt: skip
    trial = replay(log).trials["t"]
    assert trial.ends == [
        Outcome(State.WAITING, FailureKind("error"), "m", "f"),
        Outcome(State.FAILED, FailureKind("error")),
    ]
    assert trial.outcome == trial.ends[-1]
    assert len(trial.attempts) == 1, "the second never received its device"
    retried = replay([*log, Line("retried", "t")]).trials["t"]
    assert {end.kind for end in retried.ends} == {"retried"}
    assert len(retried.ends) == 2, "attempts are numbered on"
    assert retried.outcome is None


def test_launches_and_their_ends_are_counted():
    launched, closed = (
        Line("launched"),
        Line("closed", body={"why": "SIGINT", "wall": 5.0, "capacity": 8.0}),
    )
    history = replay([launched, closed])
    assert (history.launches, history.closed, history.wall_seconds) == (1, "SIGINT", 5.0)
    assert replay([launched, closed, launched]).closed == ""
    assert replay([launched, closed, launched, asked(), granted()]).attempts[0].launch == 2


def test_what_is_booked_and_tested_is_kept():
    log = [asked(), Line("booked", body={"what": "stores", "device_seconds": 3.0}),
           Line("tested", "t", body={"metrics": {"test/top1": 0.9}})]  # fmt: skip
    history = replay(log)
    assert history.booked == [WorkBooked(what="stores", device_seconds=3.0)]
    assert history.trials["t"].test == {"test/top1": 0.9}


def test_an_event_of_a_later_version_is_passed_over():
    assert replay([asked(), Line("praised", "t"), Line("rested")]).trials["t"].state is State.WAITING


def test_a_report_comes_back_as_it_was_given():
    body = {"score": math.inf, "device_seconds": 2.0, "metrics": {"a": 1.0}, "checkpoint": "t@1"}
    report = replay([asked(), granted(), reported(1, **body)]).trials["t"].last
    assert report == Report(1, **body)
