"""The record's copy, and what a driver does while its disk is full."""

import contextlib
import sqlite3
import subprocess

import pytest

from sweeper.errors import PreflightError
from sweeper.launch.disk import Copies, DiskGuard
from sweeper.runners import runner
from sweeper.store.attempt import Reading
from sweeper.store.event_lines import Line
from sweeper.store.events import AttemptEnded, Reported
from sweeper.store.history import replay
from sweeper.store.paths import SweepPaths
from sweeper.store.record import OutboxRow, Record
from sweeper.store.record_file import Damaged
from sweeper.trial import Outcome, Report, State

ENDED = AttemptEnded(trial="a", attempt=1, outcome=Outcome(State.COMPLETED), cost=Reading())


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def paths(tmp_path):
    return SweepPaths(tmp_path / "toy")


@pytest.fixture
def record(paths):
    made = Record.create(paths.record, {"sweep_id": "toy-id"})
    yield made
    made.close()


@pytest.fixture
def said():
    return []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB; skipped where nobody may mount one."""
    root = tmp_path / "disk"
    root.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", root], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield root
    subprocess.run(["umount", root], check=True)


def fill(root):
    """A file that takes all the room; the path, so that it can be given back."""
    path = root / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return path


def test_a_copy_is_written_at_once_then_every_minute_and_soon_after_a_trial_has_ended(paths, record, said):
    clock = Clock()
    copies = Copies(record, paths, said.append, clock)
    written = []
    for second in range(0, 200, 5):
        clock.now = float(second)
        if second == 100:
            copies.on_event(ENDED)
        before = paths.copy.stat().st_mtime_ns if paths.copy.exists() else 0
        copies.write_if_due()
        if paths.copy.stat().st_mtime_ns != before:
            written.append(second)
    assert written == [0, 60, 100, 160]


def test_copies_take_at_most_a_hundredth_of_the_drivers_time(paths, record, said):
    clock = Clock()

    class Slow:
        times = 0

        def copy_to(self, path):
            self.times += 1
            clock.now += 2.0

    slow = Slow()
    copies = Copies(slow, paths, said.append, clock)
    while clock.now < 2000:
        clock.now += 1.0
        copies.on_event(ENDED)
        copies.write_if_due()
    assert slow.times <= 11


def test_a_copy_that_cannot_be_written_is_said_once_and_stops_nothing(paths, record, said):
    paths.copy.mkdir(parents=True)
    copies = Copies(record, paths, said.append)
    for _ in range(3):
        copies.write()
    assert len(said) == 1
    assert "could not be written" in said[0]


def test_no_trial_starts_while_the_disk_is_short_and_all_do_when_there_is_room_again(
    make_sweep, small_disk, said
):
    sweep, paths = make_sweep(), SweepPaths(small_disk)
    room = DiskGuard(sweep, paths, said.append, lambda: False, least=500_000)
    room.look()
    assert sweep.ask() is not None
    filler = fill(small_disk)
    room.look()
    room.look()
    assert sweep.ask() is None
    assert not sweep.is_done
    assert len(said) == 1
    assert "0 MB free: no trial starts until there are" in said[0]
    filler.unlink()
    room.look()
    assert sweep.ask() is not None
    assert "trials start again" in said[-1]


def test_large_checkpoints_need_more_room(make_sweep, tmp_path, said):
    (tmp_path / "state.pt").touch()
    with (tmp_path / "state.pt").open("r+b") as file:
        file.truncate(1 << 40)
    sweep = make_sweep()
    room = DiskGuard(sweep, SweepPaths(tmp_path), said.append, lambda: False)
    room.look()
    assert not sweep.held
    room.on_event(
        Reported(trial="a", attempt=1, report=Report(1, 0.5, checkpoint=str(tmp_path))), sweep.history
    )
    room.look()
    assert sweep.held


def test_the_local_runner_waits_for_room_and_then_does_every_trial(make_sweep, toy_workload):
    sweep = make_sweep(budget={"trials": 3})
    sweep.held = "disk"
    pulses = iter(range(1000))

    def pulse():
        if next(pulses) == 3:
            sweep.held = ""
        return False

    runner["local"]()(sweep, toy_workload(), pulse)
    assert {trial.state.is_final for trial in sweep.history.trials.values()} == {True}
    assert len(sweep.history.trials) == 3


def test_a_record_whose_disk_is_full_waits_and_loses_nothing(small_disk, said):
    paths = SweepPaths(small_disk / "toy")
    record = Record.create(paths.record, {"sweep_id": "s"})
    record.write(Line("launched"))
    filler = fill(small_disk)

    def sleep(seconds):
        if len(waits) == 3:
            filler.unlink()
        waits.append(seconds)

    waits = []
    record.when_stuck = DiskGuard(None, paths, said.append, lambda: False, sleep).wait
    rows = [OutboxRow(0, 0, "metrics", "t", {"text": "x" * 500})]
    for number in range(100):
        record.write(Line("asked", str(number), 0, {"text": "x" * 500}), outbox=rows)
    assert len(waits) == 4
    assert len(said) == 1
    assert "the record waits (database or disk is full, 0 MB free)" in said[0]
    assert [event.trial for event in record.lines()] == ["", *map(str, range(100))]
    assert record.pending_count() == 100
    record.close()


def test_who_wants_an_end_while_the_disk_is_full_is_told_how_to_go_on(paths, said):
    room = DiskGuard(None, paths, said.append, lambda: True)
    paths.root.mkdir()
    with pytest.raises(PreflightError, match=r"cannot be written: .*make room, then `sweeper resume toy`"):
        room.wait(sqlite3.OperationalError("database or disk is full"))


def test_another_error_of_the_record_is_no_reason_to_wait(record, said, paths):
    record.when_stuck = DiskGuard(None, paths, said.append, lambda: False).wait
    with sqlite3.connect(record.path) as other:
        other.execute("DROP TABLE outbox")
    with pytest.raises(Damaged, match="no such table"):
        record.write(Line("launched"), outbox=[OutboxRow(0, 0, "run", "t", {})])
    assert said == []
    assert replay(record.events()).launches == 0
