"""MLflow on PostgreSQL: a private cluster in a temporary folder, told by a sweep, stopped and started."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweeper.store.history import replay
from sweeper.store.record import OutboxRow, Record, RowKind
from sweeper.trackers import Target, tracker
from sweeper.trackers.sender import Delivery, deliver_all

pytestmark = pytest.mark.integration
pytest.importorskip("psycopg", reason="pip install 'sweeper[postgres]'")
mlflow = pytest.importorskip("mlflow")

SMALL = ("budget.trials=3", "train.epochs=3", "parameters.pixels=8", "parameters.normalization=standardize")


@dataclass
class Cluster:
    """A PostgreSQL of our own; its superuser needs no password, and nobody else can reach it."""

    binaries: Path
    folder: Path
    port: int

    @property
    def uri(self) -> str:
        return f"postgresql://sweeper@127.0.0.1:{self.port}/mlflow"

    def run(self, program: str, *words: str) -> None:
        """PostgreSQL refuses to run as root: then its own user runs it."""
        who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if _is_root() else []
        done = subprocess.run(
            [*who, str(self.binaries / program), *words],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stderr or done.stdout}"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")


def _is_root() -> bool:
    return getpass.getuser() == "root"


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = found[-1] if found else shutil.which("initdb")
    if path is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    return Path(path).parent


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="sweeper-pg-"))  # pytest's own folders are closed to other users
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = Cluster(binaries, folder, int(probe.getsockname()[1]))
    if _is_root():
        shutil.chown(folder, "postgres")
    try:
        made.run("initdb", "-D", str(folder / "data"), "-U", "sweeper", "-A", "trust", "--no-sync")
        made.start()
        made.run("createdb", "-h", str(folder), "-p", str(made.port), "-U", "sweeper", "mlflow")
        yield made
        made.stop()
    finally:
        shutil.rmtree(folder)


def points(uri: str, experiment: str, metric: str) -> dict[str, dict[int, list[float]]]:
    """What MLflow holds: the trial's key, then each step's values."""
    client = mlflow.MlflowClient(uri)
    held = client.get_experiment_by_name(experiment)
    told: dict[str, dict[int, list[float]]] = {}
    for run in client.search_runs([held.experiment_id]):
        assert run.info.status == "FINISHED"
        steps = told.setdefault(run.data.tags["sweeper.trial_key"], {})
        for point in client.get_metric_history(run.info.run_id, metric):
            steps.setdefault(point.step, []).append(point.value)
    return told


def test_a_sweep_tells_postgresql_exactly_the_points_of_its_record(cluster, machine, digits):
    overrides = [word for each in (*SMALL, f"tracking.uri={cluster.uri}") for word in ("-o", each)]
    done = machine.run("launch", digits, "--yes", "--runner", "local", *overrides)
    assert done.returncode == 0, done.stderr
    record = Record.open(machine.runs / "digits" / "record.db")
    assert record.pending_count() == 0
    trials = replay(record.events()).trials
    sweep_id = record.meta["sweep_id"]
    record.close()
    told = points(cluster.uri, "digits", "valid/top1")
    assert told.pop(sweep_id) == {}
    assert told == {
        trial.id: {r.epoch: [pytest.approx(r.metrics["valid/top1"])] for r in trial.reports}
        for trial in trials.values()
    }
    assert not (machine.runs / "mlflow.db").exists()


def test_a_database_that_is_stopped_and_started_again_holds_every_point_once(cluster, tmp_path):
    """The sender keeps its connection: it must get over one that died."""
    trial = "a" * 16
    record = Record.create(tmp_path / "record.db", {"sweep_id": "feed"})
    rows = [("run", "", {"trial_key": "feed", "name": "restarted"}), ("run", trial, {"trial_key": trial})]
    rows += [("metrics", trial, {"step": step, "metrics": {"valid/top1": step / 10}}) for step in range(4)]
    record.append(
        outbox=[OutboxRow(0, 1_700_000_000_000, RowKind(kind), owner, body) for kind, owner, body in rows]
    )
    target = Target(cluster.uri, "restarted", "feed")
    delivery = Delivery(record, lambda: tracker["mlflow"](target))
    assert deliver_all(delivery, is_over=lambda: False)

    cluster.stop()
    later = [("metrics", trial, {"step": step, "metrics": {"valid/top1": step / 10}}) for step in range(4, 7)]
    later += [("end", owner, {"status": "FINISHED"}) for owner in (trial, "")]
    record.append(
        outbox=[OutboxRow(0, 1_700_000_001_000, RowKind(kind), owner, body) for kind, owner, body in later]
    )
    assert not deliver_all(delivery, is_over=lambda: False)
    assert record.pending_count() == len(later)
    assert delivery.problem
    cluster.start()
    tries = [deliver_all(delivery, is_over=lambda: False) for _ in range(3)]
    assert tries[-1], delivery.problem  # the first may still use a connection that died with the server
    told = points(cluster.uri, "restarted", "valid/top1")
    assert told[trial] == {step: [step / 10] for step in range(7)}
    record.close()


def test_the_cluster_is_ours_alone(cluster):
    assert (cluster.folder / "data").stat().st_mode & 0o077 == 0
    assert os.path.exists(cluster.folder / f".s.PGSQL.{cluster.port}")
