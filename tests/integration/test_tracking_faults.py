"""A real MLflow server behind a proxy that misbehaves: nothing is lost, nothing doubles, nobody waits."""

import contextlib
import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sweeper.record import OutboxRow, Record
from sweeper.trackers import Target, tracker
from sweeper.trackers.outbox import Delivery, Sender, deliver_all

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SWEEP = "feedfacecafe"
TRIALS = ["1" * 16, "2" * 16]


def told() -> list[OutboxRow]:
    rows = [("run", "", {"trial_key": SWEEP, "name": "faulty"})]
    rows += [("run", t, {"trial_key": t, "name": t[:4], "params": {"layers": 2}}) for t in TRIALS]
    rows += [
        ("metrics", t, {"step": e, "metrics": {"valid/top1": e / 10}}) for e in (1, 2, 3) for t in TRIALS
    ]
    rows += [("end", t, {"status": "FINISHED"}) for t in [*TRIALS, ""]]
    return [
        OutboxRow(0, 1_700_000_000_000 + n, kind, trial, body) for n, (kind, trial, body) in enumerate(rows)
    ]


class Proxy(ThreadingHTTPServer):
    """Passes requests on, as long as `fault` is empty; `drop` passes them on and swallows the reply."""

    daemon_threads = True

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.upstream = upstream
        self.fault = ""
        self.faults_left = 0
        self.release = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def misbehave(self, fault: str, times: int) -> None:
        self.fault, self.faults_left = fault, times

    def next_fault(self) -> str:
        if self.faults_left <= 0:
            return ""
        self.faults_left -= 1
        return self.fault


class Relay(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.0"

    def relay(self) -> None:
        fault = self.server.next_fault()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault == "hang":
            self.server.release.wait(20)
            return
        if fault in ("500", "503"):
            self.send_response(int(fault))
            self.send_header("Retry-After", "20")
            self.end_headers()
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
        upstream.request(self.command, self.path, body, headers)
        reply = upstream.getresponse()
        content = reply.read()
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.getheader("Content-Type") or "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = relay  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real MLflow server; starting one takes half a minute, so the tests share it."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--port", str(port), "--workers", "1"]
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5),
        ):
            break
        time.sleep(0.3)
    yield port
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@pytest.fixture
def proxy(upstream: int) -> Iterator[Proxy]:
    made = Proxy(upstream)
    yield made
    made.release.set()
    made.shutdown()
    made.server_close()


@pytest.fixture
def record(tmp_path: Path) -> Path:
    made = Record.create(tmp_path / "record.db", {"sweep_id": SWEEP})
    made.append(outbox=told())
    made.close()
    return tmp_path / "record.db"


def target(uri: str, experiment: str) -> Target:
    return Target(uri, experiment, SWEEP, metric="valid/top1")


def contents(upstream: int, experiment: str) -> dict[str, tuple[str, list[tuple[int, float]]]]:
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(f"http://127.0.0.1:{upstream}")
    held = client.get_experiment_by_name(experiment)
    runs = client.search_runs([held.experiment_id])
    names = [run.info.run_name for run in runs]
    assert len(set(names)) == len(names), f"a run was made twice: {names}"
    return {
        run.info.run_name: (
            run.info.status,
            [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "valid/top1")],
        )
        for run in runs
    }


WHOLE = {
    "faulty": ("FINISHED", []),
    **{t[:4]: ("FINISHED", [(1, 0.1), (2, 0.2), (3, 0.3)]) for t in TRIALS},
}


@pytest.mark.parametrize("fault", ["500", "503", "drop"])
@pytest.mark.parametrize("after", [0, 3, 5, 7])
def test_after_a_fault_at_any_request_mlflow_holds_exactly_the_record(
    fault: str, after: int, proxy: Proxy, upstream: int, record: Path
) -> None:
    """`after` requests pass, then one fails; every retry meets a healthy server."""
    experiment = f"{fault}-{after}"
    outbox = Record.open(record)
    delivery = Delivery(outbox, lambda: tracker["mlflow"](target(proxy.uri, experiment)))
    healthy = proxy.next_fault
    calls = iter(range(10_000))
    proxy.next_fault = lambda: fault if next(calls) == after else healthy()  # type: ignore[method-assign]

    assert not deliver_all(delivery, is_over=lambda: False)
    assert delivery.problem
    assert deliver_all(delivery, is_over=lambda: False)
    assert outbox.pending_count() == 0
    assert contents(upstream, experiment) == WHOLE


def test_a_server_that_never_answers_costs_the_sweep_nothing_but_the_bounded_flush(
    proxy: Proxy, upstream: int, record: Path
) -> None:
    proxy.misbehave("hang", 1000)
    sender = Sender(lambda: Record.open(record), lambda: tracker["mlflow"](target(proxy.uri, "hang")))
    began = time.monotonic()
    sender.start()
    driver = Record.open(record)
    for number in range(20):
        driver.put_meta({"alive": str(number)})  # the driver writes on, whatever the sender waits for
    assert time.monotonic() - began < 3
    assert sender.flush(1.0) == len(told())
    sender.close(0.1)
    assert time.monotonic() - began < 6

    proxy.misbehave("", 0)
    proxy.release.set()
    assert deliver_all(
        Delivery(driver, lambda: tracker["mlflow"](target(proxy.uri, "hang"))), is_over=lambda: False
    )
    assert contents(upstream, "hang") == WHOLE


def test_a_locked_record_makes_the_sender_wait_and_nobody_fail(proxy: Proxy, record: Path) -> None:
    locker = sqlite3.connect(record, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    outbox = Record(sqlite3.connect(record, timeout=0.1), record)
    delivery = Delivery(outbox, lambda: tracker["mlflow"](target(proxy.uri, "locked")))
    assert not deliver_all(delivery, is_over=lambda: False)
    assert "locked" in delivery.problem
    locker.execute("ROLLBACK")
    assert deliver_all(delivery, is_over=lambda: False)
    assert outbox.pending_count() == 0
