"""A disk that really fills up in mid-sweep: a small file system under the sweep's folder; nothing is lost."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweeper.store.event_lines import Line
from sweeper.store.record import Record

pytestmark = pytest.mark.integration
SMALL = (
    *("--runner", "local", "--yes"),
    *("-o", "budget.trials=3"),
    *("-o", "train.epochs=4"),
    *("-o", "scheduler={type: none}"),
    *("-o", "parameters.normalization=standardize"),
    *("-o", "parameters.pixels=16"),
)


@pytest.fixture
def disk(machine: Any) -> Iterator[Path]:
    """A file system of 100 MB where the sweeps lie; skipped where nobody may mount one."""
    machine.runs.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(machine.runs)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield machine.runs
    machine.end()
    subprocess.run(["umount", "--lazy", str(machine.runs)], check=True)


def fill(root: Path) -> Path:
    """All the room that there is; the file, so that it can be given back."""
    filler = root / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return filler


class Talk:
    """What a process says on stderr, line by line, while it says it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.lines = process, list[str]()
        self._thread = threading.Thread(target=lambda: self.lines.extend(process.stderr or []))
        self._thread.start()

    def has(self, words: str) -> bool:
        assert self.process.poll() is None, self.lines
        return any(words in line for line in self.lines)

    def ended(self) -> int:
        if self.process.stdout:
            self.process.stdout.read()
        self._thread.join()
        return self.process.wait()


def events_of(root: Path) -> list[Line]:
    record = Record.open(root / "digits" / "record.db")
    try:
        return list(record.lines())
    finally:
        record.close()


def reports(root: Path) -> list[tuple[str, int]]:
    return [(e.trial, e.body["epoch"]) for e in events_of(root) if e.kind == "reported"]


def test_a_sweep_waits_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    machine: Any, digits: str, disk: Path, until: Any
) -> None:
    process = machine.start("launch", digits, *SMALL)
    talk = Talk(process)
    until(lambda: (disk / "digits" / "record.db").exists() and reports(disk))
    filler = fill(disk)
    until(lambda: talk.has("the record waits (database or disk is full"))
    told = len(reports(disk))
    filler.unlink()
    assert talk.ended() in (0, 3), talk.lines
    said = "".join(talk.lines)
    print(said)
    assert "Traceback" not in said
    assert said.count("the record waits") == 1
    assert said.count("no trial starts until there are") == said.count("trials start again")
    log = reports(disk)
    assert len(log) == len(set(log)) > told
    left = {path.name for path in disk.rglob("*") if ".part" in path.name}
    assert left == set()


def test_who_ends_a_sweep_whose_disk_is_full_is_told_how_to_go_on_and_it_goes_on(
    machine: Any, digits: str, disk: Path, until: Any
) -> None:
    process = machine.start("launch", digits, *SMALL)
    talk = Talk(process)
    until(lambda: (disk / "digits" / "record.db").exists() and reports(disk))
    filler = fill(disk)
    until(lambda: talk.has("the record waits"))
    machine.interrupt(process)
    assert talk.ended() == 5, talk.lines
    said = "".join(talk.lines)
    print(said)
    assert "Traceback" not in said
    assert "the record cannot be written" in said
    assert "MB free" in said
    assert "sweeper resume digits" in said
    before = reports(disk)
    filler.unlink()
    done = machine.run("resume", "digits")
    assert done.returncode == 0, done.stderr
    log = reports(disk)
    assert log[: len(before)] == before
    assert len(log) == len(set(log)) == 12
    assert shutil.disk_usage(disk).free > 0
