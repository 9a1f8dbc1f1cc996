"""A record's file before it is trusted: opened without following a link, and checked to be ours alone."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

from sweeper.errors import BusyError, PreflightError, StateError, SweeperError

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, attempt INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, payload TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0);
CREATE INDEX outbox_pending ON outbox (id) WHERE delivered = 0;
"""
VIEWS = """
CREATE VIEW reports AS
    SELECT trial, attempt, body->>'epoch' AS epoch, body->>'score' AS score,
           body->>'device_seconds' AS device_seconds, body->'metrics' AS metrics
    FROM events WHERE kind = 'reported';
CREATE VIEW decisions AS
    SELECT trial, body->>'epoch' AS epoch, body->>'decision' AS decision, body->>'rung' AS rung,
           body->>'rank' AS rank, body->>'of' AS of, body->>'threshold' AS threshold,
           body->>'reason' AS reason
    FROM events WHERE kind = 'decided';
"""
"""For people: sweeper reads none of them, whatever a stranger's file calls so."""
LOCKED_SECONDS = 30.0
CHECK_SECONDS = 120.0
LONGEST_PATH = 500
"""Bytes: SQLite takes 512, with the names that it makes beside the file."""
STUCK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)
"""What a write may get over by waiting: a full disk, a file that somebody else has locked."""

_OWN = ("meta", "events", "outbox")
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_DENIED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)


class Damaged(StateError):
    """The file is no record, or what is left of one: proven by what it holds, not by a failure to open it."""


@contextlib.contextmanager
def explained(path: Path) -> Generator[None]:
    """What SQLite raises inside the block, as an error of ours which says whether the file is at fault."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) not in (sqlite3.OperationalError, sqlite3.DatabaseError):
            raise  # of our own statement, such as a broken constraint
        raise _explanation(error, path) from error


def _explanation(error: sqlite3.DatabaseError, path: Path) -> SweeperError:
    """BusyError for a lock, PreflightError for the disk or its permissions, else Damaged."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    where = str(path)
    if code in _BUSY:
        hint = f"type it again once that process is done; `fuser {path}` names it"
        return BusyError("another process keeps the record locked", where=where, hint=hint)
    if code in _DISK:
        free = shutil.disk_usage(path.parent).free / 1e6
        hint = "make room, then type it again: nothing that the record holds is lost"
        return PreflightError(f"the disk refuses ({error}, {free:,.0f} MB free)", where=where, hint=hint)
    if code in _DENIED and len(os.fsencode(path.absolute())) > LONGEST_PATH:
        hint = "choose a shorter folder: SWEEPER_RUNS=/short"
        return PreflightError(
            f"SQLite opens no path of more than {LONGEST_PATH} bytes", where=where, hint=hint
        )
    if code in _DENIED:
        hint = "whoever owns it may change that, or copy its folder into runs/ of your own"
        return PreflightError(f"may not be opened or written ({error})", where=where, hint=hint)
    if code == sqlite3.SQLITE_INTERRUPT:
        return StateError(
            "takes too long to be checked: larger or slower than a record should be", where=where
        )
    return Damaged(f"not a sweeper record ({error})", where=where)


@contextlib.contextmanager
def proving(path: Path) -> Generator[None]:
    """Damaged for what a record must not hold: entries that cannot be understood."""
    try:
        yield
    except SweeperError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"{type(error).__name__}: {error}"
        raise Damaged(f"the record is damaged ({text})", where=str(path)) from error


def connected(path: Path, patience: float) -> sqlite3.Connection:
    """A connection to an existing file; one that may not be written is read as it is, and left so.

    `patience` is how many seconds each statement waits for a lock. StateError where there is no file, or
    a link, which could lead to somebody else's.
    """
    try:
        is_there = path.is_file()
    except OSError as error:
        raise StateError(f"cannot be read ({error.strerror})", where=str(path)) from error
    if path.is_symlink():
        hint = "put the record itself there; the whole folder may be a link"
        raise StateError(
            "is a link, and a record is only opened in its own place", where=str(path), hint=hint
        )
    if not is_there:
        raise StateError("no record", where=str(path), hint="`sweeper list` shows the sweeps")
    with explained(path):
        if is_writable(path):
            return sqlite3.connect(path, timeout=patience)
        return _connected_to_read(path, patience)


def is_writable(path: Path) -> bool:
    """Whether this user may write the record and the files that SQLite makes beside it."""
    return os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)


def _connected_to_read(path: Path, patience: float) -> sqlite3.Connection:
    """SQLite would make files of its own beside the record, which a reader may not, or must not own."""
    journal, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    if journal.exists() and not index.exists():  # a driver was killed, and its folder has been copied since
        return _copied(path, journal)
    how = "mode=ro" if journal.exists() else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=patience)


def _copied(path: Path, journal: Path) -> sqlite3.Connection:
    """The record with what its journal adds, in memory."""
    memory = sqlite3.connect(":memory:")
    with tempfile.TemporaryDirectory(prefix="sweeper-") as folder:
        for file in (path, journal):
            shutil.copyfile(file, Path(folder) / file.name)
        with contextlib.closing(sqlite3.connect(Path(folder) / path.name)) as copy:
            copy.backup(memory)
    return memory


def check(connection: sqlite3.Connection, path: Path, seconds: float = CHECK_SECONDS) -> None:
    """Damaged where one of the record's own tables is missing, altered or unsound; nothing else is looked at.

    Nothing of a stranger's schema runs: what hangs on our tables and is not ours is refused, and functions
    in it are not trusted. StateError where that takes longer than `seconds`.
    """
    until = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    try:
        with explained(path):
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            _refuse_foreign(connection, path)
            for table in _OWN:
                found = connection.execute(f"PRAGMA quick_check({table})").fetchone()[0]
                if found != "ok":
                    raise Damaged(f"not a sweeper record ({found.splitlines()[-1]})", where=str(path))
            page = connection.execute("PRAGMA page_size").fetchone()[0]
    finally:
        connection.set_progress_handler(None, 0)
    if path.stat().st_size % page:
        raise Damaged("not a sweeper record (damaged: its last page is torn)", where=str(path))


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Compare what the schema says of our tables with what `TABLES` says."""
    ours = {statement.split()[2]: _words(statement) for statement in TABLES.split(";") if statement.strip()}
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    sql = {name: _words(text or "") for _, name, _, text in found}
    for table in _OWN:
        if sql.get(table) != ours[table]:
            is_there = "altered" if table in sql else "no such"
            raise Damaged(f"not a sweeper record ({is_there} table: {table})", where=str(path))
    for what, name, table, _ in found:
        if table in _OWN and what in ("trigger", "index") and sql[name] != ours.get(name):
            hint = f"whoever trusts the file removes it: sqlite3 {path} 'DROP {what} \"{name}\"'"
            raise StateError(f"holds the {what} {name!r}, which no sweeper made", where=str(path), hint=hint)


def _words(statement: str) -> str:
    return " ".join(statement.split())
