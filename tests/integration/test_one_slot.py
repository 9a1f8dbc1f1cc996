"""A sweep with one slot: no Ray, one worker, and what happens when the worker or the driver is struck."""

import os
import signal
import time
from pathlib import Path

import pytest

from sweeper.errors import StateError
from sweeper.store.history import SweepHistory, replay
from sweeper.store.record import Record
from sweeper.trial import State

pytestmark = pytest.mark.integration
TRIALS, EPOCHS = 3, 30
WORDS = ("-o", f"budget.trials={TRIALS}", "-o", f"train.epochs={EPOCHS}", "-o", "scheduler={type: none}")
SMALL = ("-o", "parameters.pixels=16", "-o", "parameters.layers=1", "-o", "resources.concurrency=1")


@pytest.fixture(scope="module")
def path(machine):
    return machine.runs / "digits" / "record.db"


def history(path) -> SweepHistory:
    try:
        record = Record.open(path)
    except StateError:
        return SweepHistory()
    try:
        return replay(record.events())
    finally:
        record.close()


def reports(path) -> int:
    return sum(len(trial.reports) for trial in history(path).trials.values())


def wait_for(process, condition):
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"it never came to that: {process.communicate(timeout=10)}")


def children(pid) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture(scope="module")
def worker_killed(machine, digits, path):
    """A launch whose worker is killed, and which is then interrupted by Ctrl-C."""
    process = machine.start("launch", digits, *WORDS, *SMALL)
    wait_for(process, lambda: reports(path) >= 3)
    (worker,) = children(process.pid)
    os.kill(worker, signal.SIGKILL)
    before = reports(path)
    wait_for(process, lambda: reports(path) >= before + 2)
    machine.interrupt(process)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err, history(path)


@pytest.fixture(scope="module")
def driver_killed(machine, worker_killed, path):
    """The sweep is resumed and its driver killed; who is left of it then."""
    process = machine.start("resume", "digits")
    before = reports(path)
    wait_for(process, lambda: reports(path) > before)
    process.kill()
    process.wait()
    return machine.leftovers()


@pytest.fixture(scope="module")
def resumed(machine, driver_killed):
    return machine.run("resume", "digits")


def test_a_line_says_that_ray_is_not_used_and_how_to_choose(worker_killed, path):
    _, _, err, _ = worker_killed
    assert "one at a time, without Ray (--runner subprocess)" in err
    assert not (path.parent / "tune").exists()


def test_a_killed_worker_costs_one_attempt_and_the_trial_goes_on(worker_killed):
    _, _, _, told = worker_killed
    (lost,) = [attempt for attempt in told.attempts if attempt.ended == "worker_lost"]
    assert "ended by SIGKILL" in lost.message
    trial = told.trials[lost.trial]
    assert [report.epoch for report in trial.reports] == list(range(1, len(trial.reports) + 1))
    assert len(trial.attempts) == 2


def test_ctrl_c_reaches_the_driver_alone_and_the_sweep_pauses_at_a_report(worker_killed):
    code, _, err, told = worker_killed
    assert code == 130
    assert "Traceback" not in err
    assert told.closed == "SIGINT"
    assert [attempt.ended for attempt in told.attempts].count("worker_lost") == 1


def test_the_worker_does_not_outlive_a_killed_driver(driver_killed):
    assert driver_killed == []


def test_what_is_left_is_done_and_the_winner_tested(resumed, path):
    assert resumed.returncode == 0, resumed.stderr
    told = history(path)
    assert told.closed == "done"
    assert {trial.state for trial in told.trials.values()} == {State.COMPLETED}
    assert sum(trial.test is not None for trial in told.trials.values()) == 1
    for trial in told.trials.values():
        assert [report.epoch for report in trial.reports] == list(range(1, EPOCHS + 1))
    for attempt in told.attempts:
        assert attempt.billed >= attempt.productive >= 0


def test_nothing_is_left_running(machine, resumed):
    assert machine.leftovers() == []
