"""Trials that train as one, through the console script: what they leave, and a driver that is killed."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sweeper.errors import FailureKind
from sweeper.store.history import SweepHistory, replay
from sweeper.store.ledger import totals
from sweeper.store.record import Record
from sweeper.trial import State

pytestmark = pytest.mark.integration
FILE = """\
name: NAME
dataset: {source: digits}
parameters:
  pixels: [8]
  layers: [1]
  filters: [8]
  dropout: [0.0, 0.2]
  learning_rate: {distribution: log_uniform_values, min: 1e-3, max: 3e-2}
train: {epochs: EPOCHS, batch_size: 64}
objective: {metric: valid/top1}
search: {algorithm: random, seed: 1}
scheduler: {type: none}
budget: {trials: 4}
resources: {fuse: 2}
"""


def written(machine: Any, name: str, epochs: int) -> str:
    path = Path(machine.folder) / f"{name}.yaml"
    path.write_text(FILE.replace("NAME", name).replace("EPOCHS", str(epochs)))
    return str(path)


def history_of(machine: Any, name: str) -> SweepHistory:
    record = Record.open(machine.runs / name / "record.db")
    try:
        return replay(record.events())
    finally:
        record.close()


def test_each_member_is_an_ordinary_trial_in_record_ledger_and_mlflow(machine: Any) -> None:
    done = machine.run("launch", written(machine, "packed", 4))
    assert done.returncode == 0, done.stderr
    assert "up to 2 of one kind as one, without Ray (--runner subprocess)" in done.stderr
    history = history_of(machine, "packed")
    attempts = [attempt for trial in history.trials.values() for attempt in trial.attempts]
    assert [attempt.ended for attempt in attempts] == [State.COMPLETED] * 4
    assert {attempt.places for attempt in attempts} == {2}
    sums = totals(history)
    assert sums.billed <= sums.capacity * 1.001
    assert sums.billed > 0.8 * sums.capacity
    assert all(0 < each.productive_device_seconds <= each.device_seconds for each in attempts)
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{machine.runs}/mlflow.db")
    experiment = client.get_experiment_by_name("packed")
    found = client.search_runs([experiment.experiment_id], max_results=100)
    runs = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    assert len(runs) == 4
    assert {len(client.get_metric_history(run.info.run_id, "valid/top1")) for run in runs} == {4}


def test_members_go_on_from_their_checkpoints_when_the_driver_was_killed(machine: Any) -> None:
    process = machine.start("launch", written(machine, "killed", 40), "-q", "-o", "budget.trials=2")
    checkpoints = machine.runs / "killed" / "checkpoints"
    until = time.monotonic() + 120
    while len({path.parent for path in checkpoints.glob("*/epoch-*")}) < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert machine.leftovers() == []
    done = machine.run("resume", "killed", "-q")
    assert done.returncode == 0, done.stderr
    trials = history_of(machine, "killed").trials.values()
    assert [trial.state for trial in trials] == [State.COMPLETED] * 2
    for trial in trials:
        assert [attempt.ended for attempt in trial.attempts] == [FailureKind.DRIVER_LOST, State.COMPLETED]
        assert [report.epoch for report in trial.reports] == list(range(1, 41))
