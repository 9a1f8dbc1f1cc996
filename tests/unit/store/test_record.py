import math
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeper.errors import BusyError, StateError
from sweeper.store.event_lines import Line
from sweeper.store.record import SCHEMA, OutboxRow, Record

NUMBERS = st.floats() | st.integers(-(2**53), 2**53)
TEXTS = st.text(st.characters(codec="utf-8")) | st.sampled_from(["nan", "inf", "\udce9.jpg", "a\0b"])
BODIES = st.dictionaries(
    TEXTS | st.just("number"),
    st.recursive(
        st.none() | st.booleans() | NUMBERS | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
        max_leaves=5,
    ),
    max_size=4,
)
WRITER = """
import sys
from pathlib import Path
from sweeper.store.event_lines import Line
from sweeper.store.record import OutboxRow, Record
record = Record.open(Path(sys.argv[1]))
for number in range(100_000):
    record.write(Line("asked", str(number)), Line("granted", str(number)),
                  outbox=[OutboxRow(0, 0, "run", str(number), {})])
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


@pytest.fixture
def record(records):
    return records()


def row(trial: str = "t", **payload) -> OutboxRow:
    return OutboxRow(0, 0, "metrics", trial, payload)


def same(left, right) -> bool:
    """Equality in which NaN is itself and 1 is not true."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def test_what_is_appended_comes_back_in_order_with_numbers_and_time(record):
    record.write(Line("asked", "a", 0, {"number": 0}), Line("granted", "a", 1, {"node": "x"}))
    record.write(Line("reported", "a", 1, {"epoch": 1}, at=5.0))
    events = list(record.lines())
    assert [(e.seq, e.kind, e.trial, e.attempt) for e in events] == [
        (1, "asked", "a", 0), (2, "granted", "a", 1), (3, "reported", "a", 1),
    ]  # fmt: skip
    assert events[2].at == 5.0
    assert events[0].at > 1.7e9
    assert [event.seq for event in record.lines(after=2)] == [3]


@pytest.mark.slow(reason="a hundred records are made")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(BODIES, min_size=1, max_size=4))
def test_any_body_survives_the_disk(records, bodies):
    record = records([Line("asked", "t", 1, body) for body in bodies])
    read = [dict(event.body) for event in Record.open(record.path).lines()]
    assert same(read, bodies)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_survives_in_events_and_outbox(record, value):
    body = {"score": value, "metrics": {"valid/loss": value}, "list": [1.0, value]}
    record.write(Line("reported", "t", 1, body), outbox=[row(**body)])
    assert same(dict(next(record.lines()).body), body)
    assert same(dict(record.pending()[0].payload), body)


def test_the_views_read_a_report_whose_score_is_a_number_and_one_whose_is_not(record):
    for epoch, score in ((1, 0.5), (2, math.nan)):
        record.write(Line("reported", "t", 1, {"epoch": epoch, "score": score, "metrics": {}}))
        record.write(Line("decided", "t", 1, {"epoch": epoch, "decision": "continue", "rank": 2}))
    with sqlite3.connect(record.path) as reader:
        scores = reader.execute("SELECT epoch, score FROM reports ORDER BY epoch").fetchall()
        ranks = reader.execute("SELECT rank, reason FROM decisions").fetchall()
    assert scores[0] == (1, 0.5)
    assert "nan" in scores[1][1]
    assert ranks == [(2, None), (2, None)]


@pytest.mark.parametrize(
    ("events", "outbox"),
    [
        ([Line("asked", "a"), Line("asked", "b", 0, {"bad": object()})], []),
        ([Line("asked", "a")], [row(bad=object())]),
        ([Line("asked", "a"), Line("asked", None)], []),
        ([Line("asked", "a")], [row(), OutboxRow(0, 0, None, "t", {})]),
    ],
)
def test_an_append_that_fails_leaves_nothing_of_it(record, events, outbox):
    with pytest.raises((TypeError, sqlite3.IntegrityError)):
        record.write(*events, outbox=outbox)
    assert list(record.lines()) == []
    assert record.pending() == []
    record.write(Line("asked", "c"))
    assert [event.trial for event in record.lines()] == ["c"]


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
def test_every_acknowledged_append_survives_a_kill(tmp_path, acknowledged):
    path = tmp_path / "record.db"
    Record.create(path, {"sweep_id": "s"}).close()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        for _ in range(acknowledged):
            last = int(writer.stdout.readline())
        writer.kill()
        last = max([last, *(int(line) for line in writer.stdout.read().split("\n")[:-1] if line)])
    record = Record.open(path)
    kinds = [(event.trial, event.kind) for event in record.lines()]
    assert kinds[: 2 * (last + 1)] == [(str(n), k) for n in range(last + 1) for k in ("asked", "granted")]
    assert len(kinds) % 2 == 0, "half of an append is visible"
    assert record.pending_count() == len(kinds) // 2
    record.write(Line("launched"))


def test_a_record_is_created_once(record):
    with pytest.raises(StateError, match="exists already"):
        Record.create(record.path, {})


def test_a_creation_that_was_interrupted_can_be_done_again(tmp_path):
    path = tmp_path / "record.db"
    with pytest.raises(sqlite3.Error):
        Record.create(path, {"spec": object()})
    record = Record.create(path, {"spec": "x"})
    assert record.meta == {"spec": "x", "schema": str(SCHEMA)}
    record.close()


@pytest.mark.parametrize("cut", [1, 30, 200, 4096, 5000])
def test_a_torn_tail_of_the_journal_costs_what_was_torn_and_nothing_else(record, tmp_path, cut):
    for number in range(20):
        record.write(Line("asked", str(number)), Line("granted", str(number)))
    torn = tmp_path / "record.db"
    torn.write_bytes(record.path.read_bytes())
    journal = record.path.with_name(record.path.name + "-wal").read_bytes()
    torn.with_name("record.db-wal").write_bytes(journal[:-cut])
    opened = Record.open(torn)
    trials = [event.trial for event in opened.lines()]
    assert trials == [str(n) for n in range(len(trials) // 2) for _ in range(2)]
    assert len(trials) >= 36
    opened.write(Line("launched"))
    opened.close()


def test_a_missing_record_is_one_clear_line(tmp_path):
    for path in (tmp_path / "record.db", tmp_path):
        with pytest.raises(StateError, match=r"no record; `sweeper list`"):
            Record.open(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("schema", [SCHEMA + 1, 99])
def test_a_record_of_a_newer_sweeper_is_refused_with_advice(record, schema):
    record.put_meta({"schema": str(schema)})
    with pytest.raises(StateError, match=rf"newer sweeper \(schema {schema}.*pip install --upgrade"):
        Record.open(record.path)


def other_database(path, statements):
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a database, but long enough to be read as one" * 99),
        lambda path: path.write_bytes(b"SQLite format 3\0" + b"\1" * 4000),
        lambda path: other_database(path, "CREATE TABLE x (y);"),
        lambda path: other_database(path, "CREATE TABLE meta (key, value);"),
        lambda path: other_database(
            path, "CREATE TABLE meta (key, value); INSERT INTO meta VALUES ('schema', 'abc');"
        ),
    ],
    ids=["empty", "text", "torn", "other tables", "no schema", "schema no number"],
)
def test_a_file_that_is_no_record_is_refused_and_left_alone(tmp_path, write):
    path = tmp_path / "record.db"
    write(path)
    before = path.read_bytes()
    with pytest.raises(StateError, match="not a sweeper record"):
        Record.open(path)
    assert path.read_bytes() == before


def test_a_record_cut_short_is_refused_or_read_but_never_a_crash(record):
    for number in range(200):
        record.write(Line("asked", str(number), 0, {"config": {"layers": 3, "text": "x" * 50}}))
    record.copy_to(record.path.with_suffix(".copy"))
    whole = record.path.with_suffix(".copy").read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        torn = record.path.with_suffix(f".{share}")
        torn.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(StateError, match="not a sweeper record"):
            list(Record.open(torn).lines())


def test_meta_keeps_what_was_fixed_and_can_be_added_to(record):
    assert record.meta["sweep_id"] == "toy-id"
    assert record.meta["schema"] == str(SCHEMA)
    record.put_meta({"note": "x", "sweep_id": "other"})
    assert Record.open(record.path).meta == {"sweep_id": "other", "schema": str(SCHEMA), "note": "x"}


def test_the_outbox_gives_the_oldest_first_until_they_are_delivered(record):
    record.append(outbox=[row(n=number) for number in range(5)])
    record.append(outbox=[row(n=5)])
    first = record.pending(limit=2)
    assert [r.payload["n"] for r in first] == [0, 1]
    assert record.pending_count() == 6
    record.delivered([first[1].id])
    record.delivered([])
    record.delivered([first[1].id])
    assert [r.payload["n"] for r in record.pending()] == [0, 2, 3, 4, 5]
    assert record.pending_count() == 5


def test_the_time_of_an_outbox_row_is_frozen_when_it_is_written(record):
    record.append(outbox=[row(), OutboxRow(0, 1234, "metrics", "t", {})])
    told = record.pending()
    assert told[0].at_ms > 1_700_000_000_000
    assert told[1].at_ms == 1234
    assert record.pending() == told


def test_a_copy_is_whole_while_another_thread_writes(record, tmp_path):
    stop = threading.Event()

    def write() -> None:
        own = Record.open(record.path)
        while not stop.is_set():
            own.write(Line("asked", "t"), Line("granted", "t", 1), outbox=[row()])
        own.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            record.copy_to(tmp_path / "copy.db")
            copy = Record.open(tmp_path / "copy.db")
            events = list(copy.lines())
            assert len(events) == 2 * copy.pending_count(), "half of an append was copied"
            assert copy.meta["sweep_id"] == "toy-id"
            copy.close()
    finally:
        stop.set()
        writer.join()
    assert sorted(path.name for path in tmp_path.glob("*.part-*")) == []


def test_a_copy_can_be_gone_on_with(record, tmp_path):
    record.write(Line("asked", "a"))
    record.copy_to(tmp_path / "copy.db")
    record.write(Line("asked", "b"))
    copy = Record.open(tmp_path / "copy.db")
    copy.write(Line("asked", "c"))
    assert [event.trial for event in copy.lines()] == ["a", "c"]
    copy.close()


def test_nobody_else_can_read_the_record_its_journal_or_its_copy(tmp_path):
    mask = os.umask(0o000)
    try:
        record = Record.create(tmp_path / "sweep" / "record.db", {})
        record.write(Line("asked", "a"))
        record.copy_to(tmp_path / "sweep" / "copy.db")
    finally:
        os.umask(mask)
    files = sorted((tmp_path / "sweep").iterdir())
    assert [path.name for path in files] == ["copy.db", "record.db", "record.db-shm", "record.db-wal"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "sweep").stat().st_mode) == 0o700
    record.close()


def test_a_closed_record_is_one_file(records):
    record = records()
    record.write(Line("asked", "a"))
    record.close()
    assert [path.name for path in record.path.parent.glob(f"{record.path.name}*")] == [record.path.name]


def test_a_reader_sees_what_the_writer_has_written_without_disturbing_it(record):
    record.write(Line("asked", "a"))
    reader = Record.open(record.path)
    lines = reader.lines()
    next(lines)
    record.write(Line("asked", "b"))
    assert [event.trial for event in Record.open(record.path).lines()] == ["a", "b"]


def test_a_driver_that_was_taken_over_writes_nothing_more(record):
    first, second = Record.open(record.path), Record.open(record.path)
    first.claim()
    first.write(Line("launched"))
    second.claim()
    second.write(Line("launched"))
    with pytest.raises(BusyError, match="another launcher has taken this sweep over"):
        first.write(Line("asked", "a"), outbox=[row()])
    assert [event.kind for event in record.lines()] == ["launched", "launched"]
    assert record.pending_count() == 0
    second.write(Line("asked", "b"))
    record.write(Line("extended"))
    assert [event.trial for event in record.lines()][2:] == ["b", ""]


def test_a_record_that_another_has_locked_waits_for_it(record):
    locker = sqlite3.connect(record.path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    waiting = Record(sqlite3.connect(record.path, timeout=0.01), record.path)
    waits = []

    def wait(error):
        waits.append(str(error))
        if len(waits) == 3:
            locker.execute("ROLLBACK")

    waiting.when_stuck = wait
    waiting.write(Line("asked", "a"))
    assert waits == ["database is locked"] * 3
    assert [event.trial for event in record.lines()] == ["a"]
    waiting.close()


def test_what_was_delivered_can_be_told_again(record):
    record.append(outbox=[row(n=1), row(n=2)])
    record.delivered([1, 2])
    record.tell_again()
    assert record.pending_count() == 2


class Watched(Mapping):
    """Meta that looks, as it is read, for what others could open at that moment."""

    def __init__(self, path):
        self.path, self.was_there = path, []

    def __getitem__(self, key):
        self.was_there.append(self.path.exists())
        return "s"

    def __iter__(self):
        return iter(["sweep_id"])

    def __len__(self):
        return 1


def test_nobody_can_open_a_record_before_it_is_whole(tmp_path):
    meta = Watched(tmp_path / "record.db")
    record = Record.create(meta.path, meta)
    assert meta.was_there == [False]
    assert record.meta["sweep_id"] == "s"
    assert [each.name for each in tmp_path.iterdir() if "record.db-" not in each.name] == ["record.db"]


def test_a_record_that_could_not_be_made_leaves_nothing(tmp_path):
    with pytest.raises(sqlite3.Error):
        Record.create(tmp_path / "record.db", {"sweep_id": object()})
    assert list(tmp_path.iterdir()) == []
