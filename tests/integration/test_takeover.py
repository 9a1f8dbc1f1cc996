"""A second launcher of a running sweep: refused at once, or let in on purpose while the first is put out."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sweeper.errors import StateError
from sweeper.store.event_lines import Line, parse_lines
from sweeper.store.history import replay
from sweeper.store.record import Record
from sweeper.trial import State

pytestmark = pytest.mark.integration
LONG = ("--runner", "local", "--yes", "-o", "budget.trials=3", "-o", "train.epochs=12")


LOADED = """
import sys
from sweeper.cli import run
code = run(sys.argv[1:])
print([name for name in ("torch", "ray", "mlflow", "optuna") if name in sys.modules])
sys.exit(code)
"""


def events_of(path: Path) -> list[Line]:
    record = Record.open(path)
    try:
        return list(record.lines())
    finally:
        record.close()


def wait_for_reports(path: Path, process: subprocess.Popen[str], beyond: int = 0) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if sum(event.kind == "reported" for event in events_of(path)) > beyond:
                return
        except StateError:
            pass
        time.sleep(0.1)
    pytest.fail(f"no report: {process.communicate(timeout=10)}")


@pytest.fixture(scope="module")
def path(machine: Any) -> Path:
    return machine.runs / "digits" / "record.db"


@pytest.fixture(scope="module")
def first(machine: Any, digits: str, path: Path) -> subprocess.Popen[str]:
    """A driver in mid-sweep that is stopped, as on a machine that swaps: it neither listens nor lets go."""
    process = machine.start("launch", digits, *LONG)
    wait_for_reports(path, process)
    process.send_signal(signal.SIGSTOP)
    return process


@pytest.fixture(scope="module")
def refused(machine: Any, digits: str, first: object) -> list[subprocess.CompletedProcess[str]]:
    """One of each kind; each says at its end what it loaded."""
    return [
        subprocess.run(
            [sys.executable, "-c", LOADED, *words],
            cwd=machine.folder, env=machine._environment(), capture_output=True, text=True,
        )
        for words in (["launch", digits], ["resume", "digits"])
    ]  # fmt: skip


@pytest.fixture(scope="module")
def taken_over(machine: Any, first: object, refused: object, path: Path) -> list[Line]:
    second = machine.start("resume", "digits", "--takeover", "--runner", "local")
    out, err = second.communicate(timeout=600)
    assert second.returncode == 0, err + out
    return events_of(path)


def test_a_second_launch_says_who_runs_the_sweep_where_and_since_when(refused: Any, first: Any) -> None:
    for done in refused:
        assert done.returncode == 75
        assert f"already run by process {first.pid} on " in done.stderr
        assert " since 20" in done.stderr
        assert done.stderr.count("\n") == 1


def test_it_says_so_before_it_loads_what_takes_seconds(refused: Any) -> None:
    assert [done.stdout for done in refused] == ["[]\n", "[]\n"]


@pytest.mark.speed
def test_it_says_so_in_under_two_seconds(machine: Any, digits: str, first: object) -> None:
    for words in (["launch", digits], ["resume", "digits"]):
        began = time.monotonic()
        assert machine.run(*words).returncode == 75
        assert time.monotonic() - began < 2


def test_a_takeover_ends_a_driver_that_does_not_listen(taken_over: object, first: Any) -> None:
    assert first.wait(timeout=300) == -signal.SIGKILL


def test_what_the_first_driver_did_counts_and_nothing_of_it_comes_later(taken_over: list[Line]) -> None:
    launches = [event.seq for event in taken_over if event.kind == "launched"]
    assert len(launches) == 2
    history = replay(parse_lines(taken_over))
    assert history.closed == "done"
    assert {trial.state.is_final for trial in history.trials.values()} == {True}
    assert {attempt.launch for attempt in history.attempts} == {1, 2}
    assert "driver_lost" in {attempt.ended for attempt in history.attempts}
    epochs = [(e.trial, e.body["epoch"]) for e in taken_over if e.kind == "reported"]
    assert len(epochs) == len(set(epochs))


def test_a_driver_that_outlives_its_lease_is_stopped_by_the_record(
    machine: Any, taken_over: object, digits: str
) -> None:
    """Somebody removed the lease's file: a second driver starts, and the first may not write any more."""
    root = machine.runs / "twice"
    record = root / "record.db"
    first = machine.start("launch", digits, *LONG, "-o", "name=twice", "-o", "scheduler={type: none}")
    wait_for_reports(record, first)
    first.send_signal(signal.SIGSTOP)
    (root / ".lease").unlink()
    told = sum(event.kind == "reported" for event in events_of(record))
    second = machine.start("resume", "twice", "--runner", "local")
    wait_for_reports(record, second, beyond=told)
    first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=600)
    assert first.returncode == 75, err + out
    assert "another launcher has taken this sweep over" in err
    assert "Traceback" not in err
    out, err = second.communicate(timeout=600)
    assert second.returncode == 0, err + out
    log = events_of(root / "record.db")
    second_launch = next(event.seq for event in log if event.kind == "launched" and event.seq > 1)
    late = [e for e in log if e.seq > second_launch and e.kind == "launched"]
    assert late == []
    trials = replay(parse_lines(log)).trials.values()
    assert {trial.state for trial in trials} <= {State.COMPLETED, State.STOPPED}
    assert all([r.epoch for r in t.reports] == list(range(1, len(t.reports) + 1)) for t in trials)
