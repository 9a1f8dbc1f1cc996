import csv
import io
import json
import math

import pyarrow as pa
import pyarrow.parquet
import pytest

from sweeper.results.ledger_file import DOCUMENTED, SCHEMA, VERSION, ledger_table, written
from sweeper.store.attempt import Attempt
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trial import Goal, Report

WHOLE = Attempt(
    "t", 2, 3, "n1", "A10", True, 0.5, 100.0, 20.0, 12.0, 2.0, "preempted", "spot was taken",
    "catalog @1", "2026-11-21", "spot", 4.0, "GPU-7", 900.0, 5.0, 18.0, 15.0,
)  # fmt: skip


@pytest.fixture
def table():
    trial = TrialHistory(
        "t", 7, {"layers": 3, "filters": [16, 32]}, 1, 2, reports=[Report(1, 0.25)], attempts=[WHOLE]
    )
    bare = TrialHistory("u", 8, {}, 1, reports=[Report(1, math.nan)], attempts=[Attempt("u", 1)])
    never = TrialHistory("v", 9, {}, 1)
    history = SweepHistory(trials={each.id: each for each in (trial, bare, never)})
    return ledger_table(
        history, Goal.MAXIMIZE, sweep="toy", sweep_id="x", granted_at={("t", 2): 1763715600.123}
    )


def test_a_row_for_each_attempt_says_all_of_it(table):
    row = table.to_pylist()[0]
    assert row["granted_at"].isoformat() == "2025-11-21T09:00:00.123000+00:00"
    del row["granted_at"]
    assert row == {
        "sweep": "toy", "sweep_id": "x", "trial": 7, "trial_id": "t", "repeat": 2, "attempt": 2, "launch": 3,
        "node": "n1", "device": "A10", "is_gpu": True, "gpu_uuid": "GPU-7", "share": 0.5,
        "places": 1,
        "granted_seconds": 100.0, "first_step_seconds": 105.0, "last_report_seconds": 118.0,
        "released_seconds": 120.0, "waited_seconds": 4.0, "set_up_seconds": 5.0,
        "billed_seconds": 20.0, "productive_seconds": 12.0, "billed_device_seconds": 10.0,
        "productive_device_seconds": 6.0, "repeated_device_seconds": 2.5, "usd_per_device_hour": 2.0,
        "price_market": "spot", "price_source": "catalog @1", "price_date": "2026-11-21",
        "usd": pytest.approx(2.0 * 10 / 3600), "joules": 900.0, "ended": "preempted",
        "message": "spot was taken", "score": 0.25, "configuration": '{"filters":[16,32],"layers":3}',
    }  # fmt: skip


def test_what_nobody_knows_is_null_and_never_zero_or_empty(table):
    row = table.to_pylist()[1]
    unknown = (
        "gpu_uuid", "granted_at", "first_step_seconds", "last_report_seconds", "released_seconds",
        "waited_seconds", "set_up_seconds", "usd_per_device_hour", "price_market", "price_source",
        "price_date", "usd", "joules", "ended", "message", "score",
    )  # fmt: skip
    assert {name: row[name] for name in unknown} == dict.fromkeys(unknown)


def test_the_schema_names_its_version_and_explains_each_column(table):
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert table.schema.metadata[b"sweeper.ledger.version"].decode() == VERSION
    for field in table.schema:
        assert field.metadata[b"comment"].decode() == DOCUMENTED[field.name][1]


def test_parquet_keeps_schema_version_and_values(table):
    read = pyarrow.parquet.read_table(io.BytesIO(written(table, "parquet")))
    assert read.equals(table)
    assert read.schema.metadata[b"sweeper.ledger.version"] == b"1"
    assert read.schema.field("granted_at").type == pa.timestamp("ms", tz="UTC")


def test_csv_has_a_header_and_empty_cells_for_what_is_unknown(table):
    first, second = csv.DictReader(io.StringIO(written(table, "csv").decode()))
    assert list(first) == list(DOCUMENTED)
    assert (first["trial"], first["usd_per_device_hour"], second["usd"]) == ("7", "2", "")


def test_json_holds_the_version_and_the_rows(table):
    told = json.loads(written(table, "json"))
    assert told["sweeper.ledger.version"] == VERSION
    assert [row["trial"] for row in told["attempts"]] == [7, 8]
    assert told["attempts"][0]["granted_at"] == "2025-11-21T09:00:00.123+00:00"
    assert told["attempts"][1]["score"] is None


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_a_sweep_that_has_not_begun_is_an_empty_table(kind):
    table = ledger_table(SweepHistory(), Goal.MAXIMIZE, sweep="toy", sweep_id="x", granted_at={})
    assert table.num_rows == 0
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert written(table, kind)


def test_a_message_that_a_spreadsheet_takes_for_a_formula_is_text_in_csv_alone(table):
    rows = table.to_pylist()
    rows[0]["message"] = "=HYPERLINK(1)"
    table = pa.Table.from_pylist(rows, schema=table.schema)
    (row, _) = csv.DictReader(io.StringIO(written(table, "csv").decode()))
    assert (row["message"], row["repeated_device_seconds"]) == ("'=HYPERLINK(1)", "2.5")
    assert json.loads(written(table, "json"))["attempts"][0]["message"] == "=HYPERLINK(1)"
