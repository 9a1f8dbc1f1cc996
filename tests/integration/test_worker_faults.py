"""Faults of workers and their machines: the trial goes on, the others do not notice. Ray's, and our own."""

import os
import time

import pytest

from sweeper.config.resources import ResourcesSpec
from sweeper.runners import runner
from sweeper.runners.parts.versions import versions_here
from sweeper.store.history import replay
from sweeper.trial import Report, State

pytestmark = [pytest.mark.integration, pytest.mark.ray]
PATIENT = {"type": "none"}
PATIENCE = 15.0
"""Seconds for which a healthy worker may be silent while neighbors have the cores."""


@pytest.fixture(params=["subprocess", "ray_tune"])
def drive(request, make_sweep, tmp_path):
    """Runs a sweep of three trials, two side by side on the shared Ray, or one after the other without it."""

    def build(workload, *, pulse=lambda sweep: False, **options):
        sweep = make_sweep(clock=time.monotonic, scheduler=PATIENT, budget={"trials": 3, "max_failed": 2})
        resources = ResourcesSpec(concurrency=2)
        places = {"log": tmp_path / "log"}
        if request.param == "ray_tune":
            request.getfixturevalue("ray_cluster")
            places["state"] = tmp_path / "tune"
        runner[request.param](resources=resources, **places, **options)(sweep, workload, lambda: pulse(sweep))
        sweep.close()
        assert replay(sweep.record.events()) == sweep.history
        return sweep

    return build


def ends(sweep):
    return [[attempt.ended for attempt in trial.attempts] for trial in sweep.history.trials.values()]


def test_storage_that_hangs_on_writing_costs_its_attempt_while_the_driver_goes_on(drive, tmp_path):
    """A pipe that nobody reads, as a share whose server is gone: opening it for writing never returns."""
    pipe = tmp_path / "checkpoint"
    os.mkfifo(pipe)
    beats = []

    def workload(trial):
        for epoch in (1, 2, 3):
            if trial.number == 0 and trial.attempt == 1 and epoch == 2:
                pipe.write_bytes(b"weights")
            yield Report(epoch, 0.5, 0.01 * epoch, {}, str(epoch))

    def pulse(sweep):
        first = next(iter(sweep.history.trials.values()), None)
        if first and len(first.reports) == len(first.attempts) == 1 and not first.attempts[0].ended:
            beats.append(sweep.live)
        return False

    sweep = drive(workload, pulse=pulse, patience=PATIENCE)
    assert ends(sweep) == [["hung", "completed"], ["completed"], ["completed"]]
    first = next(iter(sweep.history.trials.values()))
    assert [report.epoch for report in first.reports] == [1, 2, 3]
    assert len(beats) >= 3, "the driver's loop ticks while the worker hangs"


def test_a_worker_with_another_torch_never_trains_and_says_what_it_has(drive):
    def workload(trial):
        yield Report(1, 0.5, 0.01)

    sweep = drive(workload, versions=versions_here() | {"torch": "1.0.0"})
    trials = list(sweep.history.trials.values())
    assert all(not trial.reports for trial in trials)
    assert sweep.has_failed
    message = trials[0].outcome.message
    assert f"torch {versions_here()['torch']} (the driver has 1.0.0)" in message
    assert {end for trial in ends(sweep) for end in trial} == {"version_skew"}


def test_a_gpu_that_is_lost_costs_its_attempt_and_its_worker_and_no_failure_of_the_trials_own(drive):
    """What CUDA says when the device is gone; the fault itself cannot be made without one."""

    def workload(trial):
        for epoch in (1, 2):
            yield Report(epoch, 0.5, 0.01 * epoch, {"pid": float(os.getpid())}, str(epoch))
            if trial.number == 1 and trial.attempt <= 3:
                raise RuntimeError("CUDA error: uncorrectable ECC error encountered")

    sweep = drive(workload)
    assert ends(sweep) == [["completed"], ["gpu_lost"] * 3 + ["completed"], ["completed"]]
    trials = list(sweep.history.trials.values())
    assert {trial.state for trial in trials} == {State.COMPLETED}


def test_a_full_disk_costs_an_attempt_and_nothing_starts_until_there_is_room(drive):
    """The driver's look at the disk holds new attempts back; here somebody makes room after a second."""
    seen = {}

    def workload(trial):
        for epoch in (1, 2):
            if trial.number == 0 and trial.attempt == 1 and epoch == 2:
                raise OSError(28, "No space left on device")
            yield Report(epoch, 0.5, 0.01 * epoch, {}, str(epoch))

    def pulse(sweep):
        lost = [attempt for attempt in sweep.history.attempts if attempt.ended == "storage"]
        if lost and not seen:
            sweep.held = "disk"
            seen.update(until=time.monotonic() + 1.0, asked=len(sweep.history.trials))
        elif sweep.held and time.monotonic() > seen["until"]:
            seen["then"] = len(sweep.history.trials)
            sweep.held = ""
        return False

    sweep = drive(workload, pulse=pulse)
    assert seen["then"] == seen["asked"]
    assert ends(sweep)[0] == ["storage", "completed"]
    assert {trial.state for trial in sweep.history.trials.values()} == {State.COMPLETED}
