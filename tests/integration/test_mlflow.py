import math
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.store.record import OutboxRow, Record, RowKind
from sweeper.trackers import ImagesTold, Refused, Target, Undelivered
from sweeper.trackers.sender import Delivery, Sender, deliver_all

pytestmark = pytest.mark.integration
mlflow = pytest.importorskip("mlflow")
MlflowClient = mlflow.MlflowClient
MlflowTracker = pytest.importorskip("sweeper.trackers.mlflow").MlflowTracker

SWEEP = "0123456789abcdef"
TRIALS = ["a" * 16, "b" * 16, "c" * 16]
START = 1_700_000_000_000


@dataclass(frozen=True)
class FakeRow:
    id: int
    at_ms: int
    kind: str
    trial: str
    payload: Mapping[str, Any] = field(default_factory=dict)


def fake_sweep() -> list[OutboxRow]:
    """A parent, three trials of four epochs, all ended; one diverges to NaN."""
    rows = [
        ("run", "", {"trial_key": SWEEP, "name": "digits", "params": {}, "tags": {"sweeper.version": "0"}})
    ]
    for number, trial in enumerate(TRIALS):
        params = {"layers": number + 1, "filters": [32, 64], "learning_rate": 0.003, "norm": None}
        rows.append(("run", trial, {"trial_key": trial, "name": f"t{number}", "params": params, "tags": {}}))
    for epoch in range(1, 5):
        for number, trial in enumerate(TRIALS):
            loss = math.nan if number == 2 and epoch == 4 else 1.0 / epoch
            metrics = {"valid/top1": 0.5 + 0.1 * epoch, "train/loss": loss, "valid/loss": math.inf}
            rows.append(("metrics", trial, {"step": epoch, "metrics": metrics}))
    for number, trial in enumerate(TRIALS):
        status = "FAILED" if number == 2 else "FINISHED"
        rows.append(
            ("end", trial, {"status": status, "metrics": {"gpu_hours": 0.5}, "tags": {"sweeper.state": "x"}})
        )
    rows.append(("end", "", {"status": "FINISHED", "metrics": {}, "tags": {}}))
    return [
        OutboxRow(i, START + i, RowKind(kind), trial, payload)
        for i, (kind, trial, payload) in enumerate(rows, 1)
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An MLflow database: making the tables takes seconds, so the tests share it and differ in experiment."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    MlflowClient(uri).search_experiments()
    return uri


def target(uri: str, experiment: str) -> Target:
    return Target(uri, experiment, SWEEP, metric="valid/top1", note="# digits")


def deliver(tracker: Any, rows: list[OutboxRow]) -> None:
    for trial in ["", *TRIALS]:
        group = [row for row in rows if row.trial == trial]
        if group:
            tracker.deliver(trial, group)


def contents(uri: str, experiment: str) -> dict[str, Any]:
    """All that MLflow holds of an experiment, in words that can be compared."""
    client = MlflowClient(uri)
    held = client.get_experiment_by_name(experiment)
    runs = {}
    for run in client.search_runs([held.experiment_id]):
        history = {
            name: [
                (m.step, m.timestamp, str(m.value)) for m in client.get_metric_history(run.info.run_id, name)
            ]
            for name in run.data.metrics
        }
        runs[run.info.run_name] = {
            "status": run.info.status,
            "params": run.data.params,
            "metrics": history,
            "parent": run.data.tags.get("mlflow.parentRunId"),
            "id": run.info.run_id,
            "tags": run.data.tags,
        }
    return runs


def test_a_sweep_is_one_parent_with_a_finished_run_a_trial(store: str) -> None:
    deliver(MlflowTracker(target(store, "whole")), fake_sweep())
    runs = contents(store, "whole")
    assert sorted(runs) == ["digits", "t0", "t1", "t2"]
    assert [runs[name]["status"] for name in ("digits", "t0", "t1", "t2")] == ["FINISHED"] * 3 + ["FAILED"]
    assert {runs[f"t{i}"]["parent"] for i in range(3)} == {runs["digits"]["id"]}
    assert runs["digits"]["tags"]["mlflow.note.content"] == "# digits"
    assert runs["t1"]["params"] == {"layers": "2", "filters": "32,64", "learning_rate": "0.003"}
    assert [step for step, _, _ in runs["t0"]["metrics"]["valid/top1"]] == [1, 2, 3, 4]
    assert runs["t0"]["tags"]["sweeper.state"] == "x"


def test_nan_steps_are_kept_and_infinity_never_arrives(store: str) -> None:
    deliver(MlflowTracker(target(store, "nan")), fake_sweep())
    metrics = contents(store, "nan")["t2"]["metrics"]
    assert [value for _, _, value in metrics["train/loss"]][-1] == "nan"
    assert "valid/loss" not in metrics


def test_telling_everything_twice_and_by_another_process_doubles_nothing(store: str) -> None:
    deliver(MlflowTracker(target(store, "twice")), fake_sweep())
    once = contents(store, "twice")
    tracker = MlflowTracker(target(store, "twice"))
    deliver(tracker, fake_sweep())
    deliver(tracker, fake_sweep())
    assert contents(store, "twice") == once


def test_a_resumed_sweep_goes_on_in_its_run(store: str) -> None:
    rows = fake_sweep()
    deliver(MlflowTracker(target(store, "resumed")), rows)
    later = MlflowTracker(target(store, "resumed"))
    later.deliver("", [FakeRow(90, START + 90, "run", "", {"trial_key": SWEEP, "name": "digits"})])
    later.deliver(
        TRIALS[0], [FakeRow(91, START + 91, "metrics", TRIALS[0], {"step": 5, "metrics": {"epoch": 5}})]
    )
    runs = contents(store, "resumed")
    assert len(runs) == 4
    assert runs["digits"]["status"] == "RUNNING"
    assert runs["t0"]["metrics"]["epoch"] == [(5, START + 91, "5.0")]


def test_a_twin_made_by_a_lost_reply_is_set_aside(store: str) -> None:
    rows = fake_sweep()
    tracker = MlflowTracker(target(store, "twins"))
    experiment = tracker.experiment_id()
    tags = {"sweeper.trial_key": SWEEP, "sweeper.sweep_id": SWEEP, "sweeper.trial": "sweep"}
    for _ in range(3):
        MlflowClient(store).create_run(experiment, START, tags, "digits")
    deliver(tracker, rows)
    runs = MlflowClient(store).search_runs([experiment], "tags.`sweeper.trial` = 'sweep'")
    assert [run.info.status for run in runs] == ["FINISHED"]


def test_a_changed_parameter_is_refused_for_good(store: str) -> None:
    tracker = MlflowTracker(target(store, "refused"))
    tracker.deliver("", fake_sweep()[:1])
    changed = [FakeRow(1, START, "run", "", {"trial_key": SWEEP, "params": {"layers": n}}) for n in (1, 2)]
    tracker.deliver("", changed[:1])
    with pytest.raises(Refused, match="layers"):
        tracker.deliver("", changed[1:])


def test_a_trial_that_goes_on_may_be_announced_twice_in_one_batch(store: str) -> None:
    tracker = MlflowTracker(target(store, "again"))
    tracker.deliver("", fake_sweep()[:1])
    said = {"trial_key": "twice", "name": "twice", "params": {"layers": 3}, "tags": {"point": "a"}}
    tracker.deliver("twice", [FakeRow(number, START, "run", "twice", said) for number in (1, 2)])


def test_metrics_of_a_run_that_nobody_announced_are_refused(store: str) -> None:
    tracker = MlflowTracker(target(store, "unknown"))
    with pytest.raises(Refused, match="no MLflow run"):
        tracker.deliver("x", [FakeRow(1, START, "metrics", "x", {"step": 1, "metrics": {"epoch": 1}})])


def test_the_experiment_opens_as_machine_learning_ranked_by_the_objective(store: str) -> None:
    experiment = MlflowTracker(target(store, "tags")).experiment_id()
    tags = MlflowClient(store).get_experiment(experiment).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert tags["mlflow.experiment.primaryMetric.name"] == "valid/top1"
    assert tags["mlflow.experiment.primaryMetric.greaterIsBetter"] == "True"


def test_a_deleted_experiment_is_named_not_resurrected(store: str) -> None:
    experiment = MlflowTracker(target(store, "deleted")).experiment_id()
    MlflowClient(store).delete_experiment(experiment)
    with pytest.raises(Undelivered, match="restore it"):
        MlflowTracker(target(store, "deleted")).deliver("", fake_sweep()[:1])


def record_with(tmp_path: Path, rows: list[OutboxRow]) -> Path:
    path = tmp_path / "record.db"
    record = Record.create(path, {"id": SWEEP})
    record.append(outbox=rows)
    record.close()
    return path


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_while_the_server_is_down_rows_stay_and_are_delivered_later(
    store: str, tmp_path: Path, until: Callable[..., None]
) -> None:
    path = record_with(tmp_path, fake_sweep())
    address = [f"http://127.0.0.1:{closed_port()}"]
    sender = Sender(lambda: Record.open(path), lambda: MlflowTracker(target(address[0], "down")), seed=1)
    sender.start()
    until(lambda: sender.problem)
    assert sender.flush(1.0) == len(fake_sweep())
    assert "127.0.0.1" in sender.problem
    sender.close()

    address[0] = store
    later = Sender(lambda: Record.open(path), lambda: MlflowTracker(target(address[0], "down")), seed=1)
    later.start()
    assert later.flush(600.0) == 0
    later.close()
    assert sorted(contents(store, "down")) == ["digits", "t0", "t1", "t2"]


def test_a_database_that_cannot_be_opened_leaves_the_rows(tmp_path: Path) -> None:
    record = Record.open(record_with(tmp_path, fake_sweep()))
    uri = f"sqlite:///{tmp_path}/absent/folder/mlflow.db"
    (tmp_path / "absent").write_text("a file where a folder should be")
    delivery = Delivery(record, lambda: MlflowTracker(target(uri, "broken")))
    assert not deliver_all(delivery, is_over=lambda: False)
    assert delivery.problem
    assert record.pending_count() == len(fake_sweep())


FIRST = """
import sys
from sweeper.trackers import Target, tracker
print(tracker["mlflow"](Target(sys.argv[1], "same", "x")).experiment_id(), flush=True)
"""


def first_to_open(uri: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", FIRST, uri], stdout=subprocess.PIPE, text=True)


def test_three_sweeps_that_start_at_once_make_one_store(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    racing = [first_to_open(uri) for _ in range(3)]
    assert [process.communicate(timeout=600)[0].strip() for process in racing] == ["1", "1", "1"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["mlflow.db", "mlflow.db.lock"]


def test_a_sweep_killed_while_it_makes_the_store_leaves_none_that_is_half_made(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    killed = first_to_open(uri)
    while not (made := list(tmp_path.glob("mlflow.db.part-*"))) or made[0].stat().st_size == 0:
        assert killed.poll() is None, "it was too quick to be caught"
        time.sleep(0.002)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "mlflow.db").exists()
    assert first_to_open(uri).communicate(timeout=600)[0].strip() == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]


def test_artifacts_lie_beside_the_store_and_nothing_in_the_working_directory(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = MlflowTracker(target(store, "clean"))
    deliver(tracker, fake_sweep())
    assert list(tmp_path.iterdir()) == []
    place = MlflowClient(store).get_experiment(tracker.experiment_id()).artifact_location
    assert place == store.removeprefix("sqlite:///").replace("mlflow.db", "mlflow-artifacts")


def test_the_images_are_an_input_of_every_run_once_however_often_it_is_told(store: str) -> None:
    images = ImagesTold("digits", "d" * 64, "digits", "", {"train": 7, "valid": 2, "test": 1})
    for _ in range(2):
        deliver(MlflowTracker(replace(target(store, "images"), images=images)), fake_sweep())
    client = MlflowClient(store)
    runs = client.search_runs([client.get_experiment_by_name("images").experiment_id])
    assert len(runs) == 1 + len(TRIALS)
    for run in runs:
        (held,) = run.inputs.dataset_inputs
        assert (held.dataset.name, held.dataset.digest) == ("digits", "d" * 36)
        assert {tag.key: tag.value for tag in held.tags}["sweeper.split"] == "train 7, valid 2, test 1"


def test_the_answers_files_lie_beside_the_sweeps_run_and_a_store_without_room_for_them_is_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "toy.yaml").write_text(
        "name: toy\ndataset: {source: synthetic, classes: 3, per_class: 20, size: 8}\n"
        "parameters: {pixels: 8, layers: 1, filters: [2, 4]}\n"
        "train: {epochs: 1}\nscheduler: {type: none}\nbudget: {trials: 2}\n"
    )
    sweeper = [sys.executable, "-m", "sweeper"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SWEEPER_")}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    told = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run([*sweeper, "launch", "toy.yaml", "--runner", "local", "-y"], **told)
    assert done.returncode == 0, done.stderr
    client = MlflowClient(f"sqlite:///{tmp_path}/runs/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    (parent,) = [run for run in runs if run.data.tags["sweeper.trial"] == "sweep"]
    files = {Path(each.path).name for each in client.list_artifacts(parent.info.run_id, "sweep")}
    assert files >= {"report.html", "ledger.parquet", "sweep.yaml", "front.svg", "anytime.svg"}
    shutil.rmtree(tmp_path / "runs" / "mlflow-artifacts")
    (tmp_path / "runs" / "mlflow-artifacts").write_text("a file where a folder should be")
    again = subprocess.run([*sweeper, "sync", "toy"], **told)
    assert again.returncode == 7
    assert "MLflow has not taken the report, the pictures and the ledger" in again.stderr
    assert "Traceback" not in again.stderr
