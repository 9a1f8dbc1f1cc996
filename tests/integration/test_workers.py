"""Workers that hang, are told to end, keep memory, or are cancelled in mid-epoch: Ray's, and our own."""

import os
import signal
import time

import pytest

from sweeper.store.events import Reported
from sweeper.store.history import replay
from sweeper.trial import Report, State

pytestmark = [pytest.mark.integration, pytest.mark.ray]
PATIENT = {"type": "none"}

by_each = pytest.mark.parametrize("by", ["subprocess", "ray_tune"])


def epochs_of(trial):
    return [(report.epoch, report.metrics["attempt"]) for report in trial.reports]


def struck(blow, epochs=4):
    """The first attempt of trial 0 deals itself the blow in its second epoch."""

    def workload(trial):
        start = int(trial.checkpoint or 0)
        for epoch in range(start + 1, epochs + 1):
            if trial.number == 0 and trial.attempt == 1 and epoch == 2:
                blow()
            yield Report(epoch, 0.5, 0.01 * epoch, {"attempt": float(trial.attempt)}, str(epoch))

    return workload


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def told_to_end():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)


def told_to_end_in_a_long_epoch():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(3000)


@by_each
@pytest.mark.parametrize(
    ("blow", "options", "ends", "last_of_the_first"),
    [
        (stop, {"patience": 15.0}, "hung", 1),
        (told_to_end, {}, "preempted", 2),
        (told_to_end_in_a_long_epoch, {"notice": 1.0}, "preempted", 1),
    ],
    ids=["stopped", "SIGTERM", "SIGTERM in a long epoch"],
)
def test_a_worker_that_is_struck_loses_its_attempt_and_the_trial_goes_on(
    drive, by, blow, options, ends, last_of_the_first
):
    sweep = drive(struck(blow), by=by, scheduler=PATIENT, budget={"trials": 2}, options=options)
    first, second = sweep.history.trials.values()
    assert (first.state, second.state) == (State.COMPLETED, State.COMPLETED)
    assert [attempt.ended for attempt in first.attempts] == [ends, "completed"]
    assert epochs_of(first) == [(epoch, 1 if epoch <= last_of_the_first else 2) for epoch in range(1, 5)]
    assert len(second.attempts) == 1
    assert replay(sweep.record.events()) == sweep.history


@by_each
def test_a_worker_that_keeps_device_memory_is_replaced_before_the_next_trial(drive, by):
    def workload(trial):
        if trial.number == 1:
            os.environ["LEAKED"] = str(3 << 30)
        yield Report(1, 0.5, 0.01, {"pid": float(os.getpid())}, "1")

    def memory():
        return int(os.environ.get("LEAKED", "0"))

    sweep = drive(workload, by=by, scheduler=PATIENT, budget={"trials": 4}, options={"memory": memory})
    trials = list(sweep.history.trials.values())
    pids = [trial.last.metrics["pid"] for trial in trials]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    assert [len(trial.attempts) for trial in trials] == [1, 1, 1, 1], "no attempt was lost to it"


@pytest.mark.parametrize(("by", "at_once"), [("subprocess", 1), ("ray_tune", 2)])
def test_cancelling_does_not_wait_for_an_epoch_of_an_hour(drive, by, at_once):
    def endless(trial):
        for epoch in (1, 2):
            yield Report(epoch, 0.5, 0.05 * epoch, checkpoint=str(epoch))
            time.sleep(3600)

    begun: set[str] = set()
    sweep = drive(
        endless, by=by, at_once=at_once, scheduler=PATIENT, budget={"trials": 2},
        pulse=lambda: len(begun) == at_once,
        listener=lambda event, history: begun.add(event.trial) if isinstance(event, Reported) else None,
    )  # fmt: skip
    assert {trial.state for trial in sweep.history.trials.values()} == {State.WAITING}
    assert {attempt.ended for attempt in sweep.history.attempts} == {"interrupted"}
