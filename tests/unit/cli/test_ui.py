import base64
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from sweeper.cli.ui import command
from sweeper.errors import PreflightError, SpecError, StateError, SweeperError
from sweeper.store.paths import SweepPaths


def error_of(*words: str) -> SweeperError:
    error = CliRunner().invoke(command, list(words)).exception
    assert isinstance(error, SweeperError)
    return error


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "my-machine"])
def test_other_machines_are_kept_out_unless_hosts_are_named(host: str) -> None:
    error = error_of("--host", host)
    assert isinstance(error, SpecError)
    assert "ssh -L" in error.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_this_machine_may_ask_for_any_of_its_own_addresses(host: str) -> None:
    assert isinstance(error_of("--host", host), StateError)


def test_without_a_store_it_says_where_it_looked(runs: Path) -> None:
    error = error_of()
    assert error.where == f"{runs}/mlflow.db"
    assert "launch a sweep first" in error.hint


def test_an_unknown_sweep_is_named() -> None:
    assert "no record" in str(error_of("nowhere"))


def test_a_taken_port_is_named_before_anything_starts(runs: Path) -> None:
    (runs / "mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        error = error_of("--port", str(taken.getsockname()[1]))
    assert isinstance(error, PreflightError)
    assert "--port 0" in error.hint


def test_a_tracking_server_elsewhere_is_only_pointed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example:5000")
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    assert result.output.strip() == "http://tracking.example:5000"


@pytest.mark.parametrize("login", ["ada:hunter2", "hunter2", "ada:hun%40ter2"])
def test_a_server_that_asks_for_a_login_is_asked_with_it_and_shown_without(
    make_run: Callable[..., SweepPaths], monkeypatch: pytest.MonkeyPatch, say: Callable[..., Any], login: str
) -> None:
    """urllib takes a password for a port; what it then raises is neither an OSError nor a ValueError."""
    make_run("toy", budget={"trials": 2})
    asked: list[str | None] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"experiment": {"experiment_id": "7"}}')

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{login}@{address}")
        said = say("ui", "toy")
        server.shutdown()
    assert (said.code, said.out.startswith(f"http://{address}/#/experiments/7/runs")) == (0, True)
    assert asked == [f"Basic {base64.b64encode(unquote(login).encode()).decode()}"]
    assert "ter2" not in said.out + said.err


@pytest.mark.parametrize("answer", [b"[]", b'{"experiment": 7}', b"<html>", b"\xff", b""])
def test_a_server_that_answers_something_else_is_shown_by_its_front_page(
    make_run: Callable[..., SweepPaths],
    monkeypatch: pytest.MonkeyPatch,
    say: Callable[..., Any],
    answer: bytes,
) -> None:
    make_run("toy", budget={"trials": 2})

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        said = say("ui", "toy")
        server.shutdown()
    assert (said.code, said.out.strip()) == (0, address)
