"""Ctrl-C in the middle of a sweep, and `sweeper resume` behind it."""

import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sweeper.errors import StateError
from sweeper.store.event_lines import Line, parse_lines
from sweeper.store.history import SweepHistory, replay
from sweeper.store.record import Record
from sweeper.trial import Decision, State

pytestmark = [pytest.mark.integration, pytest.mark.ray]

TRIALS, EPOCHS = 4, 25


def events_of(path: Path) -> list[Line]:
    record = Record.open(path)
    try:
        return list(record.lines())
    finally:
        record.close()


def wait_for_a_running_trial_with_reports(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        try:
            trials = replay(parse_lines(events_of(path))).trials.values()
        except StateError:
            trials = []
        if any(trial.state is State.RUNNING and len(trial.reports) >= 2 for trial in trials):
            return
        time.sleep(0.1)
    pytest.fail(f"no trial ran in time: {process.communicate(timeout=10)}")


@pytest.fixture(scope="module")
def path(machine: Any) -> Path:
    return machine.runs / "digits" / "record.db"


@pytest.fixture(scope="module")
def interrupted(machine: Any, digits: str, path: Path) -> subprocess.CompletedProcess[str]:
    words = ("-o", f"budget.trials={TRIALS}", "-o", f"train.epochs={EPOCHS}")
    process = machine.start("launch", digits, *words)
    wait_for_a_running_trial_with_reports(path, process)
    machine.interrupt(process)
    out, err = process.communicate(timeout=600)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.fixture(scope="module")
def stopped(interrupted: object, path: Path) -> SweepHistory:
    return replay(parse_lines(events_of(path)))


@pytest.fixture(scope="module")
def resumed(machine: Any, stopped: object) -> subprocess.CompletedProcess[str]:
    return machine.run("resume", "digits")


@pytest.fixture(scope="module")
def log(resumed: object, path: Path) -> list[Line]:
    return events_of(path)


def test_ctrl_c_says_what_it_does_and_how_to_go_on(interrupted: Any) -> None:
    assert interrupted.returncode == 130
    assert "stopping: running trials pause at their next report" in interrupted.stderr
    assert interrupted.stderr.rstrip().endswith("sweeper resume digits")
    assert "Traceback" not in interrupted.stderr + interrupted.stdout


def test_the_answer_so_far_is_printed(interrupted: Any) -> None:
    assert "Best valid/top1" in interrupted.stdout
    assert "sweeper resume digits" in interrupted.stdout


def test_the_record_is_closed_and_what_ran_can_go_on(stopped: SweepHistory) -> None:
    assert stopped.closed == "SIGINT"
    waiting = [trial for trial in stopped.trials.values() if trial.state is State.WAITING]
    assert waiting
    for trial in waiting:
        assert trial.verdicts[-1][1].decision is Decision.PAUSE
        assert trial.last is not None
        assert trial.last.checkpoint is not None
        assert Path(trial.last.checkpoint).is_dir()


def test_resume_finishes_the_sweep(resumed: Any, log: list[Line]) -> None:
    assert resumed.returncode == 0, resumed.stderr
    history = replay(parse_lines(log))
    assert (history.closed, history.launches, len(history.trials)) == ("done", 2, TRIALS)
    assert {trial.state for trial in history.trials.values()} <= {State.COMPLETED, State.STOPPED}


def test_interrupted_trials_went_on_from_their_checkpoints(stopped: SweepHistory, log: list[Line]) -> None:
    trials = replay(parse_lines(log)).trials
    for before in (trial for trial in stopped.trials.values() if trial.state is State.WAITING):
        after = trials[before.id]
        assert [attempt.launch for attempt in after.attempts] == [1, 2]
        assert after.reports[: len(before.reports)] == before.reports
        assert len(after.reports) > len(before.reports)


def test_every_epoch_is_recorded_once_and_in_order(log: list[Line]) -> None:
    reported = [(event.trial, event.body["epoch"]) for event in log if event.kind == "reported"]
    assert [pair for pair, times in Counter(reported).items() if times > 1] == []
    for trial in replay(parse_lines(log)).trials:
        epochs = [epoch for key, epoch in reported if key == trial]
        assert epochs == list(range(1, len(epochs) + 1))


def test_mlflow_has_no_run_twice_and_none_left_running(machine: Any, log: list[Line]) -> None:
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{machine.runs}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    trials = replay(parse_lines(log)).trials
    assert len(runs) == 1 + len(trials)
    assert len({run.data.tags["sweeper.trial_key"] for run in runs}) == len(runs)
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        trial = trials.get(run.data.tags["sweeper.trial_key"])
        points = client.get_metric_history(run.info.run_id, "valid/top1") if trial else []
        assert sorted(point.step for point in points) == [r.epoch for r in trial.reports] if trial else True


def test_no_process_is_left(machine: Any, resumed: object) -> None:
    assert machine.leftovers() == []
