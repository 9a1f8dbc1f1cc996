"""The main job through the installed console script, and what it leaves behind.

`SWEEPER_TEST_FULL=1` runs it as the README shows it: every trial, every epoch, about three minutes.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sweeper.config.spec import load_spec
from sweeper.store.history import SweepHistory, replay
from sweeper.store.ledger import totals
from sweeper.store.record import Record
from sweeper.sweep.ranking import best_of
from sweeper.trial import Decision, Goal, State

pytestmark = [pytest.mark.integration, pytest.mark.ray]

IS_FULL = bool(os.environ.get("SWEEPER_TEST_FULL"))
SHORTER = () if IS_FULL else ("-o", "budget.trials=8", "-o", "train.epochs=6")
DIGITS = Path(__file__).parents[2] / "search_spaces" / "digits.yaml"
TRIALS = load_spec(DIGITS, SHORTER[1::2]).budget.trials


@pytest.fixture(scope="module")
def launched(machine: Any, digits: str) -> subprocess.CompletedProcess[str]:
    done = machine.run("launch", digits, "--yes", *SHORTER)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def record_path(machine: Any, launched: object) -> Path:
    return machine.runs / "digits" / "record.db"


@pytest.fixture(scope="module")
def history(record_path: Path) -> SweepHistory:
    record = Record.open(record_path)
    try:
        return replay(record.events())
    finally:
        record.close()


@pytest.fixture(scope="module")
def client(machine: Any, launched: object) -> Any:
    mlflow = pytest.importorskip("mlflow")
    return mlflow.MlflowClient(f"sqlite:///{machine.runs}/mlflow.db")


@pytest.fixture(scope="module")
def mlflow_runs(client: Any) -> list[Any]:
    experiment = client.get_experiment_by_name("digits")
    return list(client.search_runs([experiment.experiment_id], max_results=1000))


def test_every_trial_of_the_budget_came_to_an_end(history: SweepHistory) -> None:
    assert history.closed == "done"
    assert len(history.trials) == TRIALS
    assert {trial.state for trial in history.trials.values()} <= {State.COMPLETED, State.STOPPED}


def test_losers_were_stopped_and_the_record_says_by_which_numbers(history: SweepHistory) -> None:
    stopped = [trial for trial in history.trials.values() if trial.state is State.STOPPED]
    assert stopped
    for trial in stopped:
        epoch, verdict = trial.verdicts[-1]
        assert verdict.decision is Decision.STOP
        # behind its rung where too few results to compare with had come in at first
        assert verdict.rung is not None
        assert verdict.rung <= epoch == trial.reports[-1].epoch
        assert verdict.rank is not None
        assert verdict.of is not None
        assert 1 < verdict.rank <= verdict.of
        assert verdict.threshold is not None
        assert trial.reports[int(verdict.rung) - 1].score <= verdict.threshold, "equals: the earlier"
        assert verdict.reason


def test_every_epoch_was_reported_once_and_in_order(history: SweepHistory) -> None:
    for trial in history.trials.values():
        assert [report.epoch for report in trial.reports] == list(range(1, len(trial.reports) + 1))
        assert len(trial.verdicts) == len(trial.reports)


def test_the_ledger_adds_up(history: SweepHistory) -> None:
    for attempt in history.attempts:
        assert attempt.billed >= attempt.productive > 0
    sums = totals(history)
    assert sums.capacity >= sums.billed >= sums.productive > 0


def test_only_the_winner_saw_the_test_split(history: SweepHistory) -> None:
    tested = [trial for trial in history.trials.values() if trial.test]
    assert tested == [best_of(history, Goal.MAXIMIZE)]
    assert tested[0].test is not None
    assert tested[0].test["test/top1"] >= (0.97 if IS_FULL else 0.5)


def test_mlflow_has_one_parent_and_one_nested_run_a_trial(
    mlflow_runs: list[Any], history: SweepHistory
) -> None:
    parents = [run for run in mlflow_runs if "mlflow.parentRunId" not in run.data.tags]
    nested = [run for run in mlflow_runs if "mlflow.parentRunId" in run.data.tags]
    assert len(parents) == 1
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {parents[0].info.run_id}
    assert sorted(run.data.tags["sweeper.trial_key"] for run in nested) == sorted(history.trials)


def test_mlflow_runs_are_all_finished(mlflow_runs: list[Any]) -> None:
    assert {run.info.status for run in mlflow_runs} == {"FINISHED"}


def test_mlflow_has_the_parameters_of_each_trial(mlflow_runs: list[Any], history: SweepHistory) -> None:
    for run in mlflow_runs:
        trial = history.trials.get(run.data.tags["sweeper.trial_key"])
        if trial is None:
            assert run.data.params["epochs"]
            continue
        config = dict(trial.config)
        for place, filters in enumerate(config.pop("filters"), start=1):
            assert run.data.params[f"filters.{place}"] == str(filters)
        assert {name: run.data.params[name] for name in config} == {k: str(v) for k, v in config.items()}


def test_mlflow_has_the_metrics_of_each_epoch(
    client: Any, mlflow_runs: list[Any], history: SweepHistory
) -> None:
    for run in mlflow_runs:
        trial = history.trials.get(run.data.tags["sweeper.trial_key"])
        for name in ("valid/top1", "train/loss") if trial else ():
            told = {point.step: point.value for point in client.get_metric_history(run.info.run_id, name)}
            assert told == pytest.approx({report.epoch: report.metrics[name] for report in trial.reports})


def test_the_answer_is_printed_with_what_to_type_next(launched: Any, record_path: Path) -> None:
    for words in (
        f"{TRIALS} trials: ",
        "Best valid/top1",
        "Most efficient",
        "Pareto front: valid/top1 up",
        "test/top1",
        "billed",
        "productive",
        "Stopped early",
        "no GPU was used",
        "experiment digits",
        str(record_path),
        "sweeper best digits",
        "sweeper ui digits",
    ):
        assert words in launched.stdout


def test_progress_is_on_stderr_and_names_rung_rank_and_threshold(launched: Any) -> None:
    assert "stopped at rung 2 (rank " in launched.stderr
    assert ", needed " in launched.stderr
    assert "Traceback" not in launched.stderr + launched.stdout


def test_nothing_lies_about_but_the_runs_folder(machine: Any, launched: object) -> None:
    assert [entry.name for entry in machine.folder.iterdir()] == ["runs"]
    found = {entry.name for entry in machine.runs.iterdir()}
    assert {"digits", "mlflow.db", "mlflow-artifacts"} <= found
    assert found <= {"digits", "mlflow.db", "mlflow-artifacts", "mlflow.db.lock"}


def test_no_process_outlives_the_launch(machine: Any, launched: object) -> None:
    assert machine.leftovers() == []


def test_the_verbs_read_what_the_launch_wrote(machine: Any, launched: object) -> None:
    (listed,) = json.loads(machine.run("list", "--json").stdout)
    assert (listed["name"], listed["state"]) == ("digits", "done")
    assert sum(listed["trials"].values()) == TRIALS
    again = machine.run("resume", "digits")
    assert again.returncode == 2
    assert "nothing left to do" in again.stderr
    assert "sweeper best digits" in again.stderr


def test_a_launch_for_which_no_node_has_room_leaves_nothing_and_tells_nobody(
    machine: Any, digits: str
) -> None:
    refused = machine.run("launch", digits, "-o", "name=roomless", "-o", "resources.cpu=9999", *SHORTER)
    assert refused.returncode == 5, refused.stderr
    assert "a trial asks for 9999 CPU" in refused.stderr
    assert not (machine.runs / "roomless").exists()
    client = pytest.importorskip("mlflow").MlflowClient(f"sqlite:///{machine.runs}/mlflow.db")
    assert client.get_experiment_by_name("roomless") is None
