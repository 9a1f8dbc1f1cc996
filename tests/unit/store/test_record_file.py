"""A record's file: whose it is, who may read it, and what a stranger could have put into it."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys

import pytest

from sweeper.errors import BusyError, PreflightError, StateError
from sweeper.store.event_lines import Line
from sweeper.store.record import Record
from sweeper.store.record_file import Damaged, check

KILLED = """
import os, sys
from pathlib import Path
from sweeper.store.event_lines import Line
from sweeper.store.record import Record
record = Record.open(Path(sys.argv[1]))
record.write(Line("asked", "in-the-journal"))
os._exit(9)
"""
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


@pytest.fixture
def record(tmp_path):
    made = Record.create(tmp_path / "toy" / "record.db", {"sweep_id": "toy-id"})
    made.write(Line("asked", "a"))
    made.close()
    return made.path


@contextlib.contextmanager
def locked(path):
    """Another process that keeps the whole file to itself."""
    with contextlib.closing(sqlite3.connect(path)) as locker:
        locker.execute("PRAGMA locking_mode = EXCLUSIVE")
        locker.execute("BEGIN EXCLUSIVE")
        yield


def trials(path):
    with contextlib.closing(Record.open(path)) as opened:
        return [line.trial for line in opened.lines()]


def strange(path, statements):
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.executescript(statements)


def test_a_locked_record_is_busy_and_not_damaged(record):
    with locked(record), pytest.raises(BusyError, match="keeps the record locked") as caught:
        Record.open(record, patience=0.0)
    assert caught.value.exit_code == 75
    assert trials(record) == ["a"]


@pytest.mark.parametrize(
    "write",
    [lambda r: r.write(Line("launched")), lambda r: r.put_meta({"a": "b"}), lambda r: r.tell_again(),
     lambda r: r.delivered([1]), lambda r: r.claim()],
    ids=["write", "put_meta", "tell_again", "delivered", "claim"],
)  # fmt: skip
def test_every_way_to_write_says_that_the_record_is_locked(record, write):
    with contextlib.closing(Record.open(record, patience=0.0)) as opened:
        with contextlib.closing(sqlite3.connect(record)) as locker:
            locker.execute("BEGIN IMMEDIATE")
            with pytest.raises(BusyError):
                write(opened)
        write(opened)


def test_a_record_in_a_folder_that_may_not_be_written_can_be_read_and_is_left_as_it_is(
    record, without_rights
):
    record.chmod(0o644)
    record.parent.chmod(0o755)
    without_rights(record.parent)
    assert trials(record) == ["a"]
    with contextlib.closing(Record.open(record)) as opened, pytest.raises(PreflightError, match="readonly"):
        opened.write(Line("launched"))
    assert [path.name for path in record.parent.iterdir()] == ["record.db"]


def test_another_users_record_in_a_shared_folder_gets_no_files_of_ours(record, without_rights):
    """A journal's index of ours would keep its owner from writing."""
    record.chmod(0o644)
    record.parent.chmod(0o777)
    without_rights(record.parent)
    assert trials(record) == ["a"]
    assert [path.name for path in record.parent.iterdir()] == ["record.db"]


def test_another_users_running_record_is_read_with_its_journal(record, without_rights):
    writer = Record.open(record)
    writer.write(Line("asked", "b"))
    for path in (record.parent, *record.parent.iterdir()):
        path.chmod(0o755)
    without_rights(record.parent)
    assert trials(record) == ["a", "b"]
    writer.close()


def test_what_a_killed_driver_left_in_the_journal_is_read_on_a_disk_that_may_not_be_written(
    record, without_rights
):
    subprocess.run([sys.executable, "-c", KILLED, str(record)], check=False)
    record.with_name("record.db-shm").unlink()
    for path in (record.parent, *record.parent.iterdir()):
        path.chmod(0o555)
    without_rights(record.parent)
    assert trials(record) == ["a", "in-the-journal"]
    assert sorted(path.name for path in record.parent.iterdir()) == ["record.db", "record.db-wal"]


def test_a_record_that_may_not_be_read_says_so(record, without_rights):
    record.parent.chmod(0o755)
    record.chmod(0)
    without_rights(record.parent)
    with pytest.raises(PreflightError, match="may not be opened or written"):
        Record.open(record)


def test_a_record_in_a_folder_that_may_not_be_entered_says_so(record, without_rights):
    record.parent.chmod(0)
    without_rights(record.parent)
    with pytest.raises(StateError, match="cannot be read") as caught:
        Record.open(record)
    assert not isinstance(caught.value, Damaged)


def test_a_record_that_is_a_link_is_not_opened(record, tmp_path):
    link = tmp_path / "evil" / "record.db"
    link.parent.mkdir()
    link.symlink_to(record)
    before = record.read_bytes()
    with pytest.raises(StateError, match="is a link"):
        Record.open(link)
    assert record.read_bytes() == before


def test_a_sweeps_whole_folder_may_be_a_link(record, tmp_path):
    (tmp_path / "elsewhere").symlink_to(record.parent)
    assert trials(tmp_path / "elsewhere" / "record.db") == ["a"]


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END", "holds the trigger 't'"),
        ("CREATE INDEX i ON events (hex(zeroblob(1000000)))", "holds the index 'i'"),
        ("DROP INDEX outbox_pending; CREATE INDEX outbox_pending ON outbox (kind)", "holds the index"),
        (f"ALTER TABLE meta RENAME TO m; CREATE VIEW meta AS {ENDLESS}", "altered table: meta"),
        (f"ALTER TABLE events RENAME TO e; CREATE VIEW events AS {ENDLESS}", "altered table: events"),
        ("ALTER TABLE events ADD COLUMN x AS (hex(zeroblob(1000000)))", "altered table: events"),
        ("ALTER TABLE outbox RENAME TO o", "no such table: outbox"),
    ],
)
def test_what_hangs_on_our_tables_and_is_not_ours_is_refused_before_it_runs(record, statements, words):
    strange(record, statements)
    with pytest.raises(StateError, match=words):
        Record.open(record)


def test_what_a_stranger_put_beside_our_tables_is_never_looked_at(record):
    """A check of the whole file would evaluate the stranger's constraint, and call the record damaged."""
    strange(
        record,
        f"""CREATE TABLE beside (a CHECK (a > 0)); PRAGMA ignore_check_constraints = ON;
        INSERT INTO beside VALUES (-1);
        CREATE VIEW endless AS {ENDLESS}; DROP VIEW reports; CREATE VIEW reports AS {ENDLESS};
        CREATE TRIGGER t AFTER INSERT ON beside BEGIN DELETE FROM events; END;""",
    )
    assert trials(record) == ["a"]


def test_a_check_that_takes_too_long_is_given_up_and_calls_nothing_damaged(record):
    with contextlib.closing(Record.open(record)) as opened:
        opened.write(*[Line("asked", str(number), 0, {"text": "x" * 100}) for number in range(3000)])
    with contextlib.closing(sqlite3.connect(record)) as connection:
        with pytest.raises(StateError, match="takes too long to be checked") as caught:
            check(connection, record, seconds=-1.0)
        assert not isinstance(caught.value, Damaged)
        check(connection, record)


@pytest.mark.parametrize("name", ["../../elsewhere", "/etc", ".hidden", ".."])
def test_a_trial_whose_name_leads_out_of_its_folder_is_damage(record, name):
    with contextlib.closing(Record.open(record)) as opened:
        opened.write(Line("asked", name))
        with pytest.raises(Damaged, match="is no name of a trial"):
            list(opened.lines())


def test_a_copy_in_a_folder_of_ones_own_can_be_gone_on_with(record, tmp_path, without_rights):
    mine = tmp_path / "mine"
    shutil.copytree(record.parent, mine)
    record.parent.chmod(0o755)
    without_rights(mine, owned=mine)
    with contextlib.closing(Record.open(mine / "record.db")) as opened:
        opened.write(Line("launched"))
    assert len(trials(mine / "record.db")) == 2


def test_a_path_that_is_longer_than_sqlite_takes_says_so(tmp_path):
    folder = tmp_path.joinpath(*["x" * 100] * 5)
    with pytest.raises(PreflightError, match="no path of more than 500 bytes; choose a shorter folder"):
        Record.create(folder / "record.db", {"sweep_id": "s"})
    assert list(folder.iterdir()) == []
