"""This module runs MLflow's own server on a store that sweeps write to, and ends it with all its children."""

import contextlib
import http.client
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import quote, urlsplit

import psutil

from sweeper.errors import PreflightError, SpecError, StateError
from sweeper.files import appending
from sweeper.store.paths import runs_root
from sweeper.trackers.address import compare_page, experiment_page, tracking_uri, without_login
from sweeper.trackers.view_state import BEST
from sweeper.wording import redacted

START_SECONDS = 120.0  # a cold import of MLflow on a busy machine takes most of a minute
_OWN_HOSTS = ("localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*", "[::1]", "[::1]:*")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class View:
    """What to open: a store, and in it the runs of one experiment, as the shared view `key` shows them.

    With `compare` the so many best runs by `metric` are compared instead.
    """

    uri: str
    experiment: str = ""
    key: str = ""
    sweep_id: str = ""
    is_maximized: bool = True
    compare: int | None = None

    @property
    def is_served(self) -> bool:
        """Whether a server shows it already."""
        return urlsplit(self.uri).scheme in ("http", "https")


def shared_store() -> View:
    """Return the store that the sweeps of this folder share; StateError where none was launched yet."""
    uri = tracking_uri("auto", runs_root() / "mlflow.db")
    check_store(uri, "launch a sweep first, or name one that tracks elsewhere")
    return View(uri)


def check_store(uri: str, hint: str) -> None:
    """Raise StateError where the store is a file that does not exist."""
    parts = urlsplit(uri)
    if parts.scheme == "sqlite" and not Path(parts.path[1:]).is_file():
        raise StateError("there is no MLflow store", where=parts.path[1:], hint=hint)


def check_reach(host: str, allowed_hosts: str | None) -> None:
    """Refuse to serve other machines by mistake, because whoever reaches the server may delete everything."""
    try:
        is_own = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_own = False
    if not is_own and not allowed_hosts:
        raise SpecError(
            f"--host {host}: MLflow has no login, and whoever reaches it may read and delete runs",
            hint="use `ssh -L 5000:127.0.0.1:5000 THIS_MACHINE`, or add --allowed-hosts NAME behind a proxy "
            "that asks for a password",
        )


def _free_port(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PreflightError(
                f"--port {port}: {error.strerror}", hint="--port 0 takes any free one"
            ) from error
        return int(probe.getsockname()[1])


def serve(view: View, host: str, port: int, allowed_hosts: str | None, *, show: Say, note: Say) -> int:
    """Show the view until Ctrl-C and return the server's exit code.

    `show` gets the address, `note` the rest.
    """
    port = _free_port(host, port)
    log = runs_root() / "mlflow-ui.log"
    with _interruptible(), _serving(view.uri, host, port, allowed_hosts, log) as server:
        base = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        note(f"starting MLflow on {redacted(view.uri)} ...")
        _wait_until_healthy(server, base, log)
        show(page_of(base, view, base))
        note("Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):
            return server.wait()
    return 0


@contextlib.contextmanager
def _serving(
    uri: str, host: str, port: int, allowed_hosts: str | None, log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """Run MLflow in a session of its own, all of which is ended on the way out: it has children."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with appending(log) as output:
        output.truncate(0)
        server = subprocess.Popen(
            _server_command(uri, host, port, allowed_hosts),
            env=_environment(os.environ, uri),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield server
    finally:
        _end_session(server)


def _server_command(uri: str, host: str, port: int, allowed_hosts: str | None) -> list[str]:
    parts = urlsplit(uri)
    beside = Path(parts.path[1:]).parent if parts.scheme == "sqlite" else runs_root()
    options = {
        "--default-artifact-root": str(beside / "mlflow-artifacts"),
        "--host": host,
        "--port": str(port),
        "--workers": "1",
        "--allowed-hosts": allowed_hosts or ",".join(_OWN_HOSTS),
    }
    words = [word for option in options.items() for word in option]
    return [sys.executable, "-m", "mlflow", "server", "--no-serve-artifacts", *words]


def _environment(inherited: Mapping[str, str], uri: str) -> dict[str, str]:
    """Return an environment with the store's address, which every user could read on a command line.

    It is without jobs (seven more processes, an API that runs code) and without telemetry.
    """
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return {**inherited, **quiet, "DO_NOT_TRACK": "true", "MLFLOW_BACKEND_STORE_URI": uri}


def _wait_until_healthy(server: subprocess.Popen[bytes], base: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise PreflightError(f"MLflow ended: {_last_line(log)}", hint=f"all it said: {log}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/health", timeout=5):
            return
        time.sleep(0.2)
    raise PreflightError(f"MLflow did not answer within {START_SECONDS:.0f} s", hint=f"what it said: {log}")


def page_of(base: str, view: View, api: str) -> str:
    """Return the address to open: the experiment's runs, or the front page while it cannot be found."""
    base = without_login(base)[0]
    if not view.experiment:
        return base
    api, login = without_login(api)
    query = (
        f"{api.rstrip('/')}/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(view.experiment)}"
    )
    request = urllib.request.Request(query, headers={"Authorization": login} if login else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            experiment = str(json.load(reply)["experiment"]["experiment_id"])
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return base
    runs = _best_runs(api, login, experiment, view) if view.compare else []
    if len(runs) > 1:
        return compare_page(base, experiment, runs)
    return experiment_page(base, experiment, view=view.key)


def _best_runs(api: str, login: str, experiment: str, view: View) -> list[str]:
    """Return the ids of the best runs of the sweep's trials; none where the server does not tell them."""
    order = f"metrics.`{BEST}` {'DESC' if view.is_maximized else 'ASC'}"
    condition = f"tags.`sweeper.sweep_id` = '{view.sweep_id}' and tags.`sweeper.trial` != 'sweep'"
    asked = {
        "experiment_ids": [experiment],
        "filter": condition,
        "order_by": [order],
        "max_results": view.compare,
    }
    request = urllib.request.Request(
        f"{api.rstrip('/')}/api/2.0/mlflow/runs/search",
        data=json.dumps(asked).encode(),
        headers={"Content-Type": "application/json"} | ({"Authorization": login} if login else {}),
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return [str(run["info"]["run_id"]) for run in json.load(reply).get("runs", [])]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return []


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


@contextlib.contextmanager
def _interruptible() -> Generator[None]:
    """Let SIGTERM and a closed terminal end the server as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    held = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


def _end_session(server: subprocess.Popen[bytes]) -> None:
    """Ask all processes of the session to end, and end those that have not after five seconds."""
    members = list(_members(server.pid))
    for process in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(members, timeout=5)
    for process in {*stubborn, *_members(server.pid)}:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    server.wait()


def _members(session: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == session:
                yield process
