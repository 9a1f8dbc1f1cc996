"""The record: one durable, append-only log of a sweep, and the outbox of what trackers must hear.

One SQLite file (WAL, synchronous=FULL), written by the driver alone, on local disk. A row that
`append` returned from survives the process and the power supply; everything else (histories,
Optuna's study, MLflow, reports) is a projection that can be built again from it.
"""

import json
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from sweeper.errors import BusyError, StateError
from sweeper.files import remove_leftovers, replacing
from sweeper.store.event_lines import SCHEMA, Line, body_of, line_of, parse, text_of
from sweeper.store.events import Event

STUCK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)
"""What a write may get over by waiting: a full disk, a file that somebody else has locked."""
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, attempt INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, payload TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0);
CREATE INDEX outbox_pending ON outbox (id) WHERE delivered = 0;
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


class RowKind(StrEnum):
    """What a row of the outbox tells: a run, a point of its metrics, or how it ended."""

    RUN = "run"
    METRICS = "metrics"
    END = "end"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One thing that trackers must hear; `at_ms` is frozen when it happened, so that retries agree."""

    id: int
    at_ms: int
    kind: RowKind
    trial: str
    payload: Mapping[str, Any]


class Damaged(StateError):
    """The file is no record, or what is left of one."""


class EventLog(Protocol):
    """What a sweep writes to and is built from: a `Record`, or nothing that lasts, in a simulation."""

    @property
    def meta(self) -> dict[str, str]:
        """What was fixed when the sweep was created."""
        ...

    def append(self, *events: Event, outbox: Iterable[OutboxRow] = ()) -> None:
        """Write all of it or nothing."""
        ...

    def events(self, after: int = 0) -> Iterator[Event]:
        """The log in order, from the event after number `after`."""
        ...


class Record:
    """The log of one sweep. Not shared between threads: each opens its own.

    `when_stuck` is called as often as an append meets one of `STUCK`: it waits, or raises. Without it the
    append fails.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self.when_stuck: Callable[[sqlite3.Error], None] | None = None
        self._home = str(path.parent.absolute())
        self._claim = ""

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, str]) -> "Record":
        """A new record; StateError where one exists already."""
        if path.exists() and path.stat().st_size:
            raise StateError(
                "a record exists already", where=str(path), hint="resume it, or choose another name"
            )
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path, mode=0o600) as part:  # whoever opens the path finds a whole record or none
            record = cls(sqlite3.connect(part, timeout=30), part)
            try:
                record._connection.executescript("BEGIN;" + _TABLES)
                record.put_meta({"schema": str(SCHEMA), **meta})  # commits the tables too
            finally:
                record.close()
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "Record":
        """An existing record; StateError where there is none, or a newer sweeper wrote it."""
        if not path.is_file():
            raise StateError("no record", where=str(path), hint="`sweeper list` shows the sweeps")
        record = cls(_connected(path), path)
        try:
            version = record._checked_version()
        except (sqlite3.DatabaseError, KeyError, ValueError) as error:
            record.close()
            raise Damaged(f"not a sweeper record ({error})", where=str(path)) from error
        if version > SCHEMA:
            record.close()
            raise StateError(
                f"written by a newer sweeper (schema {version}, this one knows {SCHEMA})",
                where=str(path),
                hint="pip install --upgrade sweeper",
            )
        _make_durable(record._connection)
        return record

    def _checked_version(self) -> int:
        """The schema's version, after a check that finds a file cut short by whoever copied it."""
        version = int(self.meta["schema"])
        found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        page = self._connection.execute("PRAGMA page_size").fetchone()[0]
        if found == "ok" and self.path.stat().st_size % page:
            found = "its last page is torn"
        if found != "ok":
            raise sqlite3.DatabaseError(f"damaged: {found.splitlines()[-1]}")
        return version

    @property
    def meta(self) -> dict[str, str]:
        """What was fixed when the sweep was created: id, name, digests, versions."""
        return dict(self._connection.execute("SELECT key, value FROM meta"))

    def put_meta(self, values: Mapping[str, str]) -> None:
        """Add or replace entries of `meta`."""
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def append(self, *events: Event, outbox: Iterable[OutboxRow] = ()) -> None:
        """Write all of it, durably, or nothing. `seq`, `at` and the outbox ids are given here."""
        self.write(*map(line_of, events), outbox=outbox)

    def write(self, *lines: Line, outbox: Iterable[OutboxRow] = ()) -> None:
        """What `append` does, for lines as the record spells them."""
        now = time.time()
        rows = [(line.at or now, line.kind, line.trial, line.attempt, text_of(line.body)) for line in lines]
        undelivered = [
            (row.at_ms or int(now * 1000), row.kind, row.trial, text_of(row.payload)) for row in outbox
        ]
        while True:
            try:
                return self._insert(rows, undelivered)
            except sqlite3.OperationalError as error:
                if self.when_stuck is None or error.sqlite_errorcode & 0xFF not in STUCK:
                    raise
                self.when_stuck(error)

    def _insert(self, rows: list[tuple[Any, ...]], undelivered: list[tuple[Any, ...]]) -> None:
        with self._connection:
            self._connection.executemany(
                "INSERT INTO events (at, kind, trial, attempt, body) VALUES (?, ?, ?, ?, ?)", rows
            )
            self._connection.executemany(
                "INSERT INTO outbox (at_ms, kind, trial, payload) VALUES (?, ?, ?, ?)", undelivered
            )
            if self._claim and self._claimed() != self._claim:
                raise BusyError("another launcher has taken this sweep over", where=str(self.path))

    def _claimed(self) -> str:
        return self._connection.execute("SELECT value FROM meta WHERE key = 'driver'").fetchone()[0]

    def claim(self) -> None:
        """From now on only this object appends, until another claims: BusyError for whoever did before.

        The lease keeps a second driver from starting; this stops a first one that has lost its lease. A
        record of an older schema is of this one from here on; what it holds already is read as what it is.
        """
        self._claim = secrets.token_hex(8)
        meta = {"driver": self._claim}
        if int(self.meta["schema"]) < SCHEMA:
            last = self._connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
            meta |= {"schema": str(SCHEMA), "upgraded": json.dumps([int(self.meta["schema"]), last])}
        self.put_meta(meta)

    def events(self, after: int = 0) -> Iterator[Event]:
        """The log in order, from the event after number `after`."""
        meta = self.meta
        schema = int(meta["schema"])
        earlier, last = json.loads(meta.get("upgraded", "[0, 0]"))
        for line in self.lines(after):
            event = parse(line, earlier if line.seq <= last else schema)
            if event is not None:
                yield event

    def lines(self, after: int = 0) -> Iterator[Line]:
        """The log as the record spells it, from the line after number `after`."""
        rows = self._connection.execute(
            "SELECT kind, trial, attempt, body, at, seq FROM events WHERE seq > ? ORDER BY seq", (after,)
        )
        for kind, trial, attempt, text, at, seq in rows:
            body = body_of(text)
            if "checkpoint" in body:
                self._follow(trial, body)
            yield Line(kind, trial, attempt, body, at, seq)

    def _follow(self, trial: str, body: dict[str, Any]) -> None:
        """A sweep's folder may have been moved: its checkpoints lie beside the record, wherever that is."""
        checkpoint = body.get("checkpoint")
        if checkpoint and not checkpoint.startswith(self._home):
            inside = checkpoint.split("/")[-3:]
            if inside[:-1] == ["checkpoints", trial]:
                body["checkpoint"] = "/".join([self._home, *inside])

    def pending(self, limit: int = 500) -> list[OutboxRow]:
        """The oldest rows that no tracker has confirmed."""
        rows = self._connection.execute(
            "SELECT id, at_ms, kind, trial, payload FROM outbox WHERE delivered = 0 ORDER BY id LIMIT ?",
            (limit,),
        )
        return [
            OutboxRow(number, at_ms, RowKind(kind), trial, body_of(body))
            for number, at_ms, kind, trial, body in rows
        ]

    def pending_count(self) -> int:
        """How many rows no tracker has confirmed."""
        return int(self._connection.execute("SELECT count(*) FROM outbox WHERE delivered = 0").fetchone()[0])

    def delivered(self, ids: Iterable[int]) -> None:
        """Mark rows as confirmed."""
        with self._connection:
            self._connection.executemany("UPDATE outbox SET delivered = 1 WHERE id = ?", [(i,) for i in ids])

    def tell_again(self) -> None:
        """Every row is to be delivered anew: the tracker may have lost some, and doubles none."""
        with self._connection:
            self._connection.execute("UPDATE outbox SET delivered = 0")

    def copy_to(self, path: Path) -> None:
        """A consistent copy in one file, while the sweep goes on; replaces an older copy."""
        remove_leftovers(path)
        with replacing(path, durable=True, mode=0o600) as part:
            self._connection.execute("VACUUM INTO ?", (str(part),))

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        self._connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    """In a folder that cannot be written the file as it is: SQLite would make files of its own beside it."""
    if os.access(path.parent, os.W_OK):
        return sqlite3.connect(path, timeout=30)
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)


def _make_durable(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
