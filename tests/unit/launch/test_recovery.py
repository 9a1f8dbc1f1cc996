"""A sweep's folder arrives on another machine, with or without its record."""

import contextlib
import shutil
import sqlite3

import pytest

from sweeper.errors import BusyError, PreflightError, StateError
from sweeper.launch.recovery import recover, tell_a_new_store
from sweeper.store.event_lines import Line
from sweeper.store.history import replay
from sweeper.store.paths import SweepPaths
from sweeper.store.record import OutboxRow, Record
from sweeper.store.record_file import Damaged
from sweeper.training.checkpoint import CheckpointFolder, verify
from sweeper.training.checkpoint_names import epoch_of

ASKED = {"number": 0, "config": {"layers": 1}, "seed": 1}


def report(paths, epoch, attempt=1, trial="a" * 16):
    """A checkpoint of a trial and the report that names it."""
    folder = CheckpointFolder(paths.checkpoints / trial, trial, attempt)
    saved = folder.save({"epoch": epoch}, epoch=epoch, best_epoch=epoch)
    return Line("reported", trial, attempt, {"epoch": epoch, "score": 0.5, "checkpoint": str(saved)})


@pytest.fixture
def paths(tmp_path):
    """A sweep whose driver was lost: the copy knows two epochs, the record knew three, the disk has four."""
    paths = SweepPaths(tmp_path / "runs" / "toy")
    record = Record.create(paths.record, {"sweep_id": "s"})
    trial = "a" * 16
    record.write(Line("asked", trial, 0, ASKED), Line("granted", trial, 1, {"node": "n"}))
    record.write(report(paths, 1), outbox=[OutboxRow(0, 0, "metrics", trial, {"step": 1})])
    record.delivered([1])
    record.write(report(paths, 2))
    record.copy_to(paths.copy)
    record.write(report(paths, 3))
    report(paths, 4)
    record.close()
    return paths


def last_of(paths):
    record = Record.open(paths.record)
    (trial,) = replay(record.events()).trials.values()
    record.close()
    return trial.last


def lose(paths, how):
    if how == "missing":
        paths.record.unlink()
    else:
        paths.record.write_bytes(paths.record.read_bytes()[: {"cut": 5000, "empty": 0}[how]])


def test_a_whole_record_is_left_alone(paths):
    before = paths.record.read_bytes()
    assert recover(paths) == ""
    assert paths.record.read_bytes() == before
    assert last_of(paths).epoch == 3


@pytest.mark.parametrize(
    ("how", "words"), [("missing", "is missing"), ("cut", "is damaged"), ("empty", "is damaged")]
)
def test_the_copy_takes_the_place_of_a_lost_record_and_says_so(paths, how, words):
    lose(paths, how)
    said = recover(paths)
    assert f"record.db {words}" in said
    assert ": going on from record.copy.db, written 20" in said
    assert last_of(paths).epoch == 2
    assert recover(paths) == ""
    left = paths.record.with_name("record.db.damaged")
    assert left.exists() == (how != "missing")


def spoil(path, body):
    """Another body in the last event of the record, as a disk or an editor would leave it."""
    with contextlib.closing(sqlite3.connect(path)) as spoiled, spoiled:
        spoiled.execute("UPDATE events SET body = ? WHERE seq = (SELECT max(seq) FROM events)", (body,))


@pytest.mark.parametrize("body", ["{", "[]", "7", "{}", '{"epoch": 3}', b"\xff\xfe", None], ids=repr)
def test_an_event_that_cannot_be_read_is_gone_on_from_the_sound_copy(paths, body):
    if body is None:
        shutil.copy(paths.copy, paths.record)  # as large as before, and sound: nothing is to be done
    else:
        spoil(paths.record, body)
    said = recover(paths)
    assert ("is damaged" in said) == (body is not None)
    assert last_of(paths).epoch == 2


def test_where_the_copy_has_the_same_bad_event_nothing_is_touched(paths):
    spoil(paths.record, "{")
    spoil(paths.copy, "{")
    before = paths.record.read_bytes()
    with pytest.raises(Damaged, match=r"record\.copy\.db: event \d of the record cannot be read"):
        recover(paths)
    assert paths.record.read_bytes() == before


def test_a_record_that_is_only_locked_is_waited_for_and_never_replaced(paths):
    before = paths.record.read_bytes()
    with contextlib.closing(sqlite3.connect(paths.record)) as locker:
        locker.execute("PRAGMA locking_mode = EXCLUSIVE")
        locker.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BusyError, match="keeps the record locked") as caught:
            recover(paths, patience=0.0)
    assert caught.value.exit_code == 75
    assert paths.record.read_bytes() == before
    assert last_of(paths).epoch == 3


def test_a_record_that_may_not_be_read_is_never_replaced(paths, without_rights):
    paths.record.chmod(0)
    without_rights(paths.root, owned=paths.root)
    with pytest.raises(PreflightError, match="may not be opened"):
        recover(paths)
    assert paths.record.exists()
    assert not paths.record.with_name("record.db.damaged").exists()


def test_the_journal_of_the_lost_record_is_not_applied_to_its_copy(paths):
    journal = paths.record.with_name("record.db-wal")
    journal.write_bytes(b"\1" * 5000)
    paths.record.unlink()
    recover(paths)
    assert last_of(paths).epoch == 2
    assert not journal.exists()


def test_without_a_copy_the_record_says_itself_what_is_wrong(paths):
    paths.copy.unlink()
    lose(paths, "cut")
    assert recover(paths) == ""
    with pytest.raises(StateError, match="not a sweeper record"):
        Record.open(paths.record)


def test_where_the_copy_is_damaged_too_nothing_is_touched(paths):
    lose(paths, "cut")
    paths.copy.write_bytes(b"nothing")
    before = paths.record.read_bytes()
    with pytest.raises(StateError, match=r"record\.copy\.db: not a sweeper record"):
        recover(paths)
    assert paths.record.read_bytes() == before


def test_checkpoints_are_found_where_the_folder_is_now(paths, tmp_path):
    moved = SweepPaths(tmp_path / "elsewhere" / "toy")
    shutil.copytree(paths.root, moved.root)
    shutil.rmtree(paths.root)
    found = last_of(moved).checkpoint
    assert found == str(moved.checkpoints / ("a" * 16) / "epoch-0003.1")
    assert verify(moved.checkpoints / ("a" * 16) / "epoch-0003.1").epoch == 3


@pytest.mark.parametrize("elsewhere", ["/data/x@3", "checkpoints", "/other/checkpoints/b/epoch-0001.1", None])
def test_only_checkpoints_of_the_folders_own_layout_are_looked_for_in_it(paths, elsewhere):
    record = Record.open(paths.record)
    body = {"epoch": 4, "score": 0.5, "checkpoint": elsewhere}
    record.write(Line("reported", "a" * 16, 1, body))
    record.close()
    assert last_of(paths).checkpoint == elsewhere


def test_checkpoints_of_attempts_that_the_copy_never_heard_of_are_the_next_ones(paths):
    """Attempt 3 of the trial, and a trial that was asked for after the copy, are unknown to it."""
    report(paths, 5, attempt=3)
    report(paths, 1, attempt=1, trial="b" * 16)
    lose(paths, "missing")
    recover(paths)
    known = sorted(path.name for path in (paths.checkpoints / ("a" * 16)).iterdir())
    assert known == ["epoch-0004.1", "epoch-0005.1"]
    second = CheckpointFolder(paths.checkpoints / ("a" * 16), "a" * 16, 2)
    assert epoch_of(second.save({}, epoch=6, best_epoch=6)) == 6, "it is not taken for one that was given up"
    assert [path.name for path in (paths.checkpoints / ("b" * 16)).iterdir()] == ["epoch-0001.0"]


def test_tracking_is_told_everything_again_after_the_copy_took_over(paths):
    lose(paths, "missing")
    recover(paths)
    record = Record.open(paths.record)
    assert record.pending_count() == 1
    record.close()


def test_a_store_of_mlflow_that_did_not_come_along_is_told_everything(paths, toy_spec, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    record = Record.open(paths.record)
    paths.mlflow.touch()
    tell_a_new_store(toy_spec(), record, paths)
    assert record.pending_count() == 0
    paths.mlflow.unlink()
    tell_a_new_store(toy_spec(tracking={"uri": "http://127.0.0.1:9"}), record, paths)
    assert record.pending_count() == 0
    tell_a_new_store(toy_spec(), record, paths)
    assert record.pending_count() == 1
    record.close()
