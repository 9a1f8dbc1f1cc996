"""Ctrl-C twice: the sweep ends now, whatever its trials are doing, and can be resumed."""

import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sweeper.store.event_lines import Line, parse_lines
from sweeper.store.history import SweepHistory, replay
from sweeper.store.record import Record
from sweeper.trial import State

pytestmark = [pytest.mark.integration, pytest.mark.ray]


def events_of(path: Path) -> list[Line]:
    record = Record.open(path)
    try:
        return list(record.lines())
    finally:
        record.close()


@pytest.fixture(scope="module")
def ended_at_once(machine: Any, digits: str) -> tuple[subprocess.CompletedProcess[str], SweepHistory]:
    """Ctrl-C twice in the middle of an epoch that takes minutes."""
    slow = ("layers=3", "filters=256", "pixels=32", "convs_per_block=2")
    words = [word for each in slow for word in ("-o", f"parameters.{each}")]
    process = machine.start("launch", digits, "--yes", "-o", "name=slow", "-o", "train.epochs=4", *words)
    path = machine.runs / "slow" / "record.db"
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and path.stat().st_size and any(e.kind == "granted" for e in events_of(path)):
            break
        time.sleep(0.2)
    assert process.poll() is None, process.communicate()
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr or []))
    reader.start()
    machine.interrupt(process)
    while not any("stopping" in line for line in said):
        assert process.poll() is None, said
        time.sleep(0.1)
    time.sleep(1)
    assert process.poll() is None, "the first waits for reports"
    machine.interrupt(process)
    out = process.stdout.read() if process.stdout else ""
    reader.join()
    done = subprocess.CompletedProcess(words, process.wait(600), out, "".join(said))
    return done, replay(parse_lines(events_of(path)))


def test_a_second_ctrl_c_does_not_wait_for_the_epoch(ended_at_once: Any) -> None:
    done, history = ended_at_once
    assert done.returncode == 130, done.stderr
    assert "ending every trial now" in done.stderr
    assert "Traceback" not in done.stderr
    assert [trial.reports for trial in history.trials.values() if trial.reports] == []


def test_what_a_second_ctrl_c_ended_can_go_on(ended_at_once: Any) -> None:
    done, history = ended_at_once
    assert history.closed == "SIGINT"
    assert history.trials
    assert {trial.state for trial in history.trials.values()} == {State.WAITING}
    assert {attempt.ended for attempt in history.attempts} == {"interrupted"}
    assert done.stderr.rstrip().endswith("sweeper resume slow")


def test_a_second_ctrl_c_leaves_no_process(machine: Any, ended_at_once: object) -> None:
    assert machine.leftovers() == []
