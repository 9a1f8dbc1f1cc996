"""A real MLflow server behind a proxy that misbehaves: nothing is lost, nothing doubles, nobody waits."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sweeper.store.record import OutboxRow, Record, RowKind
from sweeper.trackers import Target, tracker
from sweeper.trackers.sender import Delivery, Sender, deliver_all

pytestmark = pytest.mark.integration

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
        OutboxRow(0, 1_700_000_000_000 + n, RowKind(kind), trial, body)
        for n, (kind, trial, body) in enumerate(rows)
    ]


JSON = ("Content-Type", "application/json")
ANSWERS = {
    "500": (500, ("Retry-After", "20"), b""),
    "503": (503, ("Retry-After", "20"), b""),
    "401": (401, ("WWW-Authenticate", "Basic"), b"who are you?"),
    "redirect": (302, ("Location", "/login"), b""),
    "page": (200, ("Content-Type", "text/html"), b"<html>please log in</html>"),
    "other JSON": (200, JSON, b'{"status": "ok", "runs": 3, "experiment": []}'),
    "a list": (200, JSON, b"[1, 2]"),
}
"""What stands between a sweep and its MLflow answers: overload, a login, another service."""


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
            self.server.release.wait()
            return
        if fault in ANSWERS:
            self.answer(*ANSWERS[fault])
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=300)
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

    def answer(self, code: int, header: tuple[str, str], content: bytes) -> None:
        self.send_response(code)
        self.send_header(*header)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = relay  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server:
    """A real MLflow server on SQLite, in a session of its own; starting one takes half a minute."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def start(self) -> None:
        store = f"sqlite:///{self.folder}/mlflow.db"
        words = ["--backend-store-uri", store, "--port", str(self.port), "--workers", "1"]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words],
            env={**os.environ, **quiet},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            health = f"http://127.0.0.1:{self.port}/health"
            with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=5):
                return
            time.sleep(0.3)

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the server that the tests share."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server.port
    server.kill()


class UnixRelay(socketserver.ThreadingUnixStreamServer):
    """Brings whoever connects to its socket file to a port: a file crosses where no network does."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.port = port
        self.folder = tempfile.mkdtemp(prefix="relay-")
        super().__init__(f"{self.folder}/socket", Forward)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *problem: object) -> None:
        self.shutdown()
        super().__exit__(*problem)
        shutil.rmtree(self.folder)


class Forward(socketserver.BaseRequestHandler):
    server: UnixRelay

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as out:
            threading.Thread(target=pump, args=(out, self.request), daemon=True).start()
            pump(self.request, out)


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


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


def contents(place: int | str, experiment: str) -> dict[str, tuple[str, list[tuple[int, float]]]]:
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(place if isinstance(place, str) else f"http://127.0.0.1:{place}")
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


@pytest.mark.parametrize("fault", ["drop", "500", "503", "401", "redirect", "page", "a list"])
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


@pytest.mark.parametrize("answer", ["401", "redirect", "page", "other JSON", "a list"])
def test_what_is_no_mlflow_is_told_nothing_and_said_to_be_none(
    answer: str, proxy: Proxy, upstream: int, record: Path, until: Callable[..., None]
) -> None:
    """Another service at that address, or a login before it: the thread tries on, and is there afterwards."""
    proxy.misbehave(answer, 1_000_000)
    experiment = f"always {answer}"
    sender = Sender(lambda: Record.open(record), lambda: tracker["mlflow"](target(proxy.uri, experiment)))
    sender.start()
    until(lambda: sender.problem)
    assert proxy.uri in sender.problem
    assert "\n" not in sender.problem
    assert sender.flush(3.0) == len(told())
    proxy.misbehave("", 0)
    assert sender.flush(600) == 0
    sender.close()
    assert contents(upstream, experiment) == WHOLE


def test_a_server_that_never_answers_costs_the_sweep_nothing_but_the_bounded_flush(
    proxy: Proxy, upstream: int, record: Path, until: Callable[..., None]
) -> None:
    proxy.misbehave("hang", 1000)
    sender = Sender(lambda: Record.open(record), lambda: tracker["mlflow"](target(proxy.uri, "hang")))
    sender.start()
    until(lambda: proxy.faults_left < 1000)
    driver = Record.open(record)
    for number in range(20):
        driver.put_meta({"alive": str(number)})  # the driver writes on, whatever the sender waits for
    assert sender.flush(1.0) == len(told())
    sender.close(0.1)
    assert not proxy.release.is_set(), "nobody waited for the server"

    proxy.release.set()
    sender.close(300)  # its thread would die with the process; here it must not deliver beside the next
    proxy.misbehave("", 0)
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


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that a test may kill."""
    made = Server(tmp_path_factory.mktemp("own"))
    yield made
    made.kill()


def test_a_server_that_is_killed_and_started_again_holds_every_point_once(
    own_server: Server, record: Path
) -> None:
    own_server.start()
    outbox = Record.open(record)
    uri = f"http://127.0.0.1:{own_server.port}"
    delivery = Delivery(outbox, lambda: tracker["mlflow"](target(uri, "restarted")))
    rows = outbox.pending()
    outbox.delivered([row.id for row in rows[5:]])  # these happen while it is away
    assert deliver_all(delivery, is_over=lambda: False)
    own_server.kill()
    outbox.tell_again()
    assert not deliver_all(delivery, is_over=lambda: False)
    own_server.start()
    assert deliver_all(delivery, is_over=lambda: False)
    assert contents(own_server.port, "restarted") == WHOLE


def test_a_store_that_another_process_has_locked_is_told_when_it_is_free(
    tmp_path: Path, record: Path
) -> None:
    """MLflow waits for an SQLite lock for 20 s, then says so; nobody but the sender waits with it."""
    store = tmp_path / "mlflow.db"
    tracker["mlflow"](target(f"sqlite:///{store}", "locked store")).deliver("", told()[:1])
    locker = sqlite3.connect(store, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    sender = Sender(
        lambda: Record.open(record), lambda: tracker["mlflow"](target(f"sqlite:///{store}", "locked store"))
    )
    sender.start()
    driver = Record.open(record)
    writes = 0
    while not sender.problem:
        driver.put_meta({"alive": "yes"})  # the record is another file
        writes += 1
        time.sleep(0.05)
    assert "locked" in sender.problem
    assert writes > 2, "the driver waits for nobody"
    locker.execute("ROLLBACK")
    assert sender.flush(600) == 0
    sender.close()
    assert contents(f"sqlite:///{store}", "locked store") == WHOLE


PARTITIONED = """
import socket, subprocess, sys, threading, time
from pathlib import Path
from sweeper.store.record import Record
from sweeper.trackers import Target, tracker
from sweeper.trackers.sender import Sender

def link(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True)

def relay(client):
    with socket.socket(socket.AF_UNIX) as out:
        out.connect(sys.argv[2])
        threading.Thread(target=pump, args=(out, client), daemon=True).start()
        pump(client, out)

def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass

link("up")
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    while True:
        threading.Thread(target=relay, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=serve, daemon=True).start()
uri = f"http://127.0.0.1:{listener.getsockname()[1]}"
record = Path(sys.argv[1])
sender = Sender(lambda: Record.open(record), lambda: tracker["mlflow"](Target(uri, "cut", "feedfacecafe")))
driver = Record.open(record)
rows = driver.pending()
driver.delivered([row.id for row in rows])
sender.start()
for number, row in enumerate(rows):
    if number == len(rows) // 2:
        print(sender.flush(600), "left before the cut", flush=True)
        link("down")
    driver.append(outbox=[row])
    time.sleep(0.2)
while not sender.problem:
    time.sleep(0.1)
left = sender.flush(3)
print(left, "left while cut,", "problem" if sender.problem else "no problem", flush=True)
link("up")
print(sender.flush(600), "left after all", flush=True)
sender.close()
"""


def test_a_network_that_is_cut_and_heals_costs_nothing_but_time(upstream: int, record: Path) -> None:
    """A network of its own for the sender, whose only way out is the loopback that is taken down."""
    if subprocess.run(["unshare", "-rn", "ip", "link"], capture_output=True).returncode:
        pytest.skip("this machine allows no network namespaces")
    with UnixRelay(upstream) as relay:
        done = subprocess.run(
            ["unshare", "-rn", sys.executable, "-c", PARTITIONED, str(record), str(relay.server_address)],
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before, cut, after = (line for line in done.stdout.splitlines() if " left" in line)
    assert before == "0 left before the cut"
    assert cut.endswith("problem")
    assert not cut.startswith("0 left")
    assert after == "0 left after all"
    assert contents(upstream, "cut") == WHOLE
