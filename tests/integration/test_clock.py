"""The wall clock is set by hours, back and forth, while a sweep runs: no duration and no budget follows."""

import time
from pathlib import Path
from typing import Any

import pytest

from sweeper.store.events import Reported
from sweeper.store.history import replay
from sweeper.store.ledger import totals
from sweeper.store.record import Record

pytestmark = pytest.mark.integration
JUMPY = """
import os, time
from pathlib import Path
_wall, _jumps = time.time, Path(os.environ["JUMPS"])
def jumping():
    return _wall() + float(_jumps.read_text() or 0)
time.time = jumping
time.time_ns = lambda: int(jumping() * 1e9)
"""
"""Python runs `sitecustomize` before all else: the driver, and the worker that it starts, ask this clock."""
SMALL = (
    *("-o", "budget.trials=3"),
    *("-o", "budget.wall_hours=5"),
    *("-o", "budget.gpu_hours=5"),
    *("-o", "train.epochs=4"),
    *("-o", "scheduler={type: none}"),
    *("-o", "parameters.normalization=standardize"),
    *("-o", "parameters.pixels=16"),
)


def test_a_clock_that_is_set_changes_no_duration_and_no_budget(
    machine: Any, digits: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    jumps, path = tmp_path / "jumps", machine.runs / "digits" / "record.db"
    (tmp_path / "sitecustomize.py").write_text(JUMPY, encoding="utf-8")
    jumps.write_text("0", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("JUMPS", str(jumps))
    began = time.monotonic()
    process = machine.start("launch", digits, "--yes", "--runner", "subprocess", *SMALL)
    for count, hours in ((1, -30), (4, 20), (7, -1)):
        until(lambda so_many=count: process.poll() is not None or len(reports(path)) >= so_many)
        jumps.write_text(str(hours * 3600), encoding="utf-8")
    out, err = process.communicate(timeout=600)
    elapsed = time.monotonic() - began
    assert process.returncode == 0, out + err
    record = Record.open(path)
    history, moments = replay(record.events()), [line.at for line in record.lines()]
    record.close()
    assert max(moments) - min(moments) > 24 * 3600, "the clock was set"
    assert history.closed == "done"
    assert {str(trial.state) for trial in history.trials.values()} == {"completed"}
    sums = totals(history)
    assert 0 < sums.productive <= sums.billed <= sums.capacity <= 2 * elapsed
    assert 0 < history.wall_seconds <= elapsed
    assert all(0 < trial.last.device_seconds <= elapsed for trial in history.trials.values())
    assert len(reports(path)) == 12


def reports(path: Path) -> list[Reported]:
    if not path.exists():
        return []
    record = Record.open(path)
    try:
        return [event for event in record.events() if isinstance(event, Reported)]
    finally:
        record.close()
