"""The record: one durable, append-only log of a sweep, and the outbox of what trackers must hear.

One SQLite file (WAL, synchronous=FULL), written by the driver alone, on local disk. A row that
`append` returned from survives the process and the power supply; everything else (histories,
Optuna's study, MLflow, reports) is a projection that can be built again from it.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from sweeper.errors import BusyError, StateError, SweeperError
from sweeper.files import remove_leftovers, replacing
from sweeper.store.event_lines import SCHEMA, Line, body_of, line_of, parse, text_of
from sweeper.store.events import Event
from sweeper.store.record_file import (
    LOCKED_SECONDS,
    STUCK,
    TABLES,
    VIEWS,
    Damaged,
    check,
    connected,
    explained,
    is_writable,
    proving,
)


class RowKind(StrEnum):
    """What a row of the outbox is about: a run, a point of its metrics, or its end."""

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


class EventLog(Protocol):
    """What a sweep writes to and is built from: a `Record`, or in a simulation a log that keeps nothing."""

    @property
    def meta(self) -> dict[str, str]:
        """What was fixed when the sweep was created."""
        ...

    def append(self, *events: Event, outbox: Iterable[OutboxRow] = ()) -> None:
        """Write all of it or nothing."""
        ...

    def events(self, after: int = 0) -> Iterator[Event]:
        """Yield the log in order, from the event after number `after`."""
        ...


class Record:
    """The log of one sweep. It is not shared between threads: each opens its own.

    `when_stuck` is called each time an append meets one of `STUCK`: it waits, or raises. Without it the
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
        """Make a new record; StateError where one exists already."""
        if path.exists() and path.stat().st_size:
            raise StateError(
                "a record exists already", where=str(path), hint="resume it, or choose another name"
            )
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path, mode=0o600) as part:  # whoever opens the path finds a whole record or none
            with explained(path):
                record = cls(sqlite3.connect(part, timeout=LOCKED_SECONDS), part)
            try:
                with explained(path):
                    record._connection.executescript("BEGIN;" + TABLES + VIEWS)
                record.put_meta({"schema": str(SCHEMA), **meta})  # commits the tables too
            finally:
                record.close()
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, patience: float = LOCKED_SECONDS) -> "Record":
        """Open an existing record; StateError where there is none, or where a newer sweeper wrote it."""
        record = cls(connected(path, patience), path)
        try:
            check(record._connection, path)
            record._refuse_newer()
            if is_writable(path):
                with explained(path):
                    _make_durable(record._connection)
        except SweeperError:
            record.close()
            raise
        return record

    def _refuse_newer(self) -> None:
        text = self.meta.get("schema", "")
        if not text.isdecimal():
            raise Damaged(f"not a sweeper record (schema {text!r})", where=str(self.path))
        if int(text) > SCHEMA:
            raise StateError(
                f"written by a newer sweeper (schema {text}, this one knows {SCHEMA})",
                where=str(self.path),
                hint="pip install --upgrade sweeper",
            )

    @property
    def meta(self) -> dict[str, str]:
        """What was fixed when the sweep was created: id, name, digests, versions."""
        with explained(self.path):
            return dict(self._connection.execute("SELECT key, value FROM meta"))

    def put_meta(self, values: Mapping[str, str]) -> None:
        """Add or replace entries of `meta`."""
        with explained(self.path), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def append(self, *events: Event, outbox: Iterable[OutboxRow] = ()) -> None:
        """Write all of it, durably, or nothing. `seq`, `at` and the outbox ids are given here."""
        self.write(*map(line_of, events), outbox=outbox)

    def write(self, *lines: Line, outbox: Iterable[OutboxRow] = ()) -> None:
        """Write lines as the record spells them; otherwise it is `append`."""
        now = time.time()
        rows = [(line.at or now, line.kind, line.trial, line.attempt, text_of(line.body)) for line in lines]
        undelivered = [
            (row.at_ms or int(now * 1000), row.kind, row.trial, text_of(row.payload)) for row in outbox
        ]
        with explained(self.path):
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
        """Let only this object append, until another one claims: BusyError for whoever claimed before.

        The lease keeps a second driver from starting; this stops a first one that has lost its lease. A
        record of an older schema has this schema from here on, and its older lines are still read as what
        they are.
        """
        self._claim = secrets.token_hex(8)
        meta = {"driver": self._claim}
        if int(self.meta["schema"]) < SCHEMA:
            last = self._connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
            meta |= {"schema": str(SCHEMA), "upgraded": json.dumps([int(self.meta["schema"]), last])}
        self.put_meta(meta)

    def events(self, after: int = 0) -> Iterator[Event]:
        """Yield the log in order, from the event after number `after`."""
        meta = self.meta
        schema = int(meta["schema"])
        earlier, last = json.loads(meta.get("upgraded", "[0, 0]"))
        for line in self.lines(after):
            try:
                event = parse(line, earlier if line.seq <= last else schema)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise self._unreadable(line.seq, f"{type(error).__name__}: {error}") from error
            if event is not None:
                yield event

    def lines(self, after: int = 0) -> Iterator[Line]:
        """Yield the log as the record spells it, from the line after number `after`."""
        with explained(self.path):
            rows = self._connection.execute(
                "SELECT kind, trial, attempt, body, at, seq FROM events WHERE seq > ? ORDER BY seq", (after,)
            )
            for kind, trial, attempt, text, at, seq in rows:
                yield Line(kind, trial, attempt, self._body(trial, text, seq), at, seq)

    def _body(self, trial: str, text: str, seq: int) -> dict[str, Any]:
        """The line's body; a trial's name becomes the name of a folder, and must not lead out of it."""
        try:
            body = body_of(text)
            if "checkpoint" in body:
                self._follow(trial, body)
            is_safe = "/" not in trial and not trial.startswith(".")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._unreadable(seq, f"{type(error).__name__}: {error}") from error
        if not is_safe:
            raise self._unreadable(seq, f"{trial!r} is no name of a trial")
        return body

    def _unreadable(self, seq: int, said: str) -> Damaged:
        return Damaged(f"event {seq} of the record cannot be read ({said})", where=str(self.path))

    def _follow(self, trial: str, body: dict[str, Any]) -> None:
        """Point a checkpoint to its place beside the record: a sweep's folder may have been moved."""
        checkpoint = body.get("checkpoint")
        if checkpoint and not checkpoint.startswith(self._home):
            inside = checkpoint.split("/")[-3:]
            if inside[:-1] == ["checkpoints", trial]:
                body["checkpoint"] = "/".join([self._home, *inside])

    def pending(self, limit: int = 500) -> list[OutboxRow]:
        """Return the oldest rows that no tracker has confirmed."""
        with explained(self.path), proving(self.path):
            rows = self._connection.execute(
                "SELECT id, at_ms, kind, trial, payload FROM outbox WHERE delivered = 0 ORDER BY id LIMIT ?",
                (limit,),
            )
            return [
                OutboxRow(number, at_ms, RowKind(kind), trial, body_of(body))
                for number, at_ms, kind, trial, body in rows
            ]

    def pending_count(self) -> int:
        """Return how many rows no tracker has confirmed."""
        with explained(self.path):
            found = self._connection.execute("SELECT count(*) FROM outbox WHERE delivered = 0").fetchone()
            return int(found[0])

    def delivered(self, ids: Iterable[int]) -> None:
        """Mark rows as confirmed."""
        with explained(self.path), self._connection:
            self._connection.executemany("UPDATE outbox SET delivered = 1 WHERE id = ?", [(i,) for i in ids])

    def tell_again(self) -> None:
        """Deliver every row again: the tracker may have lost some, and it doubles none."""
        with explained(self.path), self._connection:
            self._connection.execute("UPDATE outbox SET delivered = 0")

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy in one file while the sweep goes on; it replaces an older copy."""
        remove_leftovers(path)
        with explained(self.path), replacing(path, durable=True, mode=0o600) as part:
            self._connection.execute("VACUUM INTO ?", (str(part),))

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        self._connection.close()


def _make_durable(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
