import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from sweeper.config.spec import parse_spec
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.trackers import Target, tracker

pytestmark = pytest.mark.integration

SPEC = """
name: shown
dataset: {source: digits}
parameters: {layers: {values: [1, 2]}}
objective: {metric: valid/top1}
budget: {trials: 2}
"""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with one sweep that has told MLflow of its experiment."""
    paths = SweepPaths.of("shown", tmp_path)
    spec = json.dumps(parse_spec(SPEC).resolved())
    Record.create(paths.record, {"sweep_id": "5" * 12, "name": "shown", "spec": spec}).close()
    target = Target(f"sqlite:///{paths.mlflow}", "shown", "5" * 12, metric="valid/top1")
    tracker["mlflow"](target).experiment_id()  # type: ignore[attr-defined]
    return tmp_path


@pytest.fixture
def ui(runs: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`sweeper ui shown`, and the address that it printed."""
    environment = {**os.environ, "SWEEPER_RUNS": str(runs), "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "sweeper", "ui", "shown", "--port", "0"]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(300)
        process.stdout.close()


def status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=300) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_ui_shows_the_sweep_to_this_machine_only_and_leaves_nothing_behind(
    ui: tuple[subprocess.Popen[str], str], until: Callable[..., None]
) -> None:
    process, address = ui
    base = f"http://{urlsplit(address).netloc}"
    family = psutil.Process(process.pid).children(recursive=True)
    listening = {c.laddr.ip for p in family for c in p.net_connections("tcp") if c.status == "LISTEN"}
    found = f"{base}/api/2.0/mlflow/experiments/get?experiment_id=1"

    assert address.endswith(
        f"#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=sweeper-{'5' * 12}"
    )
    assert listening == {"127.0.0.1"}
    # the store's address may hold a password, and every user of the machine reads command lines
    assert [word for p in family for word in p.cmdline() if "sqlite:" in word] == []
    assert status(f"{base}/health") == 200
    assert status(found) == 200
    assert status(found, Host="evil.example") == 403
    assert status(found, Host="10.0.0.7") == 403
    assert status(f"{base}/ajax-api/3.0/jobs") in (404, 405, 501)

    process.send_signal(signal.SIGINT)
    assert process.wait(300) == 0
    assert family
    until(lambda: not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE])
