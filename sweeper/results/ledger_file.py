"""This module writes the ledger: a row for each attempt, as Parquet, CSV or JSON of one Arrow schema."""

import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.attempt import Attempt
from sweeper.store.events import AttemptStarted
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trial import Goal, canonical
from sweeper.wording import cell

Format = Literal["parquet", "csv", "json"]
Table = Any  # a pyarrow.Table: pyarrow ships no types
VERSION = "1"
"""Goes up when a column changes its meaning or its type, or disappears; new columns leave it as it is."""

_COLUMNS: tuple[tuple[str, pa.DataType, str], ...] = (
    ("sweep", pa.string(), "name of the sweep"),
    ("sweep_id", pa.string(), "id of the sweep, the same after every resume"),
    ("trial", pa.int64(), "number of the trial, from 0"),
    ("trial_id", pa.string(), "key of the trial"),
    ("repeat", pa.int64(), "0, or which further seed of the same configuration"),
    ("attempt", pa.int64(), "number of the attempt, from 1"),
    ("launch", pa.int64(), "the driver process that granted it, from 1"),
    ("node", pa.string(), "host name"),
    ("device", pa.string(), "accelerator type as Ray names it, or `cpu`"),
    ("is_gpu", pa.bool_(), "false where a CPU slot stands in for the device"),
    ("gpu_uuid", pa.string(), "NVML's UUID, several joined by commas; null where NVML told nothing"),
    ("share", pa.float64(), "fraction of the device, or how many devices, as granted"),
    (
        "places",
        pa.int64(),
        "attempts that shared what the worker held, because they trained as one; mostly 1",
    ),
    ("granted_at", pa.timestamp("ms", tz="UTC"), "wall time of the grant, for people: clocks can be wrong"),
    ("granted_seconds", pa.float64(), "the grant, in seconds since the sweep began (driver's time only)"),
    ("first_step_seconds", pa.float64(), "the first step, likewise; null without a report"),
    ("last_report_seconds", pa.float64(), "the last report, likewise; null without a report"),
    ("released_seconds", pa.float64(), "the release, likewise; null while the attempt runs"),
    ("waited_seconds", pa.float64(), "from the ask to the grant, which nobody bills; null in old records"),
    ("set_up_seconds", pa.float64(), "from the grant to the first step; null without a report"),
    ("billed_seconds", pa.float64(), "from the grant to the release, or to the last beat"),
    ("productive_seconds", pa.float64(), "training and evaluation, as part of it"),
    (
        "billed_device_seconds",
        pa.float64(),
        "billed seconds times the share; of attempts that trained as one, its own",
    ),
    ("productive_device_seconds", pa.float64(), "productive seconds times the share"),
    ("repeated_device_seconds", pa.float64(), "billed since the last checkpointed report, where it was lost"),
    ("usd_per_device_hour", pa.float64(), "price of a whole device; null where nobody knows it"),
    ("price_market", pa.string(), "`on_demand` or `spot`"),
    ("price_source", pa.string(), "where the price is from"),
    ("price_date", pa.string(), "when it was read, as YYYY-MM-DD; null for a flat price"),
    ("usd", pa.float64(), "billed device-hours times the price"),
    ("joules", pa.float64(), "drawn by the devices, times a fractional share; null where not measured"),
    ("ended", pa.string(), "why it ended; null while it runs"),
    ("message", pa.string(), "the same in words, where there are any"),
    ("score", pa.float64(), "best score of its trial, over all attempts"),
    ("configuration", pa.string(), "the trial's parameters, as JSON"),
)

DOCUMENTED: Mapping[str, tuple[str, str]] = {name: (str(kind), what) for name, kind, what in _COLUMNS}
"""Type and meaning of each column; docs/cost.md shows the same table."""

SCHEMA = pa.schema(
    [pa.field(name, kind, metadata={"comment": what}) for name, kind, what in _COLUMNS],
    metadata={"sweeper.ledger.version": VERSION},
)


def ledger(sweep: StoredSweep, format: Format) -> bytes:
    """Return the ledger of a stored sweep as a file's bytes; wall times of grants come from its events."""
    granted_at = {
        (event.trial, event.attempt): event.at
        for event in sweep.events()
        if isinstance(event, AttemptStarted)
    }
    goal, sweep_id = sweep.spec.objective.goal, sweep.meta["sweep_id"]
    table = ledger_table(sweep.history, goal, sweep=sweep.name, sweep_id=sweep_id, granted_at=granted_at)
    return written(table, format)


def ledger_table(
    history: SweepHistory,
    goal: Goal,
    *,
    sweep: str,
    sweep_id: str,
    granted_at: Mapping[tuple[str, int], float],
) -> Table:
    """Return a row for each attempt, in the order of trials and attempts.

    `granted_at` gives the wall time of a trial's attempt; the history itself knows only durations.
    """
    whole = {"sweep": sweep, "sweep_id": sweep_id}
    rows = [
        whole | about | _row(attempt, granted_at.get((trial.id, attempt.number)))
        for trial in history.trials.values()
        if trial.attempts
        for about in (_about(trial, goal),)
        for attempt in trial.attempts
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def written(table: Table, format: Format) -> bytes:
    """Return the file's content.

    JSON has the version and the rows, with null for numbers that are not finite.
    """
    buffer = io.BytesIO()
    match format:
        case "parquet":
            pyarrow.parquet.write_table(table, buffer)
        case "csv":
            cells = [{name: cell(value) for name, value in row.items()} for row in table.to_pylist()]
            pyarrow.csv.write_csv(pa.Table.from_pylist(cells, schema=table.schema), buffer)
        case "json":
            document = {"sweeper.ledger.version": VERSION, "attempts": list(_plain_rows(table))}
            return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()
    return buffer.getvalue()


def _about(trial: TrialHistory, goal: Goal) -> dict[str, Any]:
    best = trial.best(goal)
    return {
        "trial": trial.number,
        "trial_id": trial.id,
        "repeat": trial.repeat,
        "score": best.score if best else None,
        "configuration": canonical(trial.config),
    }


def _row(attempt: Attempt, granted_at: float | None) -> dict[str, Any]:
    def since_begin(seconds: float | None) -> float | None:
        return None if seconds is None else attempt.granted + seconds

    return {
        "attempt": attempt.number,
        "launch": attempt.launch,
        "node": attempt.node,
        "device": attempt.device,
        "is_gpu": attempt.is_gpu,
        "gpu_uuid": attempt.gpu_uuid or None,
        "share": attempt.share,
        "places": attempt.places,
        "granted_at": None if granted_at is None else round(granted_at * 1000),
        "granted_seconds": attempt.granted,
        "first_step_seconds": since_begin(attempt.first_step),
        "last_report_seconds": since_begin(attempt.last_report),
        "released_seconds": since_begin(attempt.billed) if attempt.ended else None,
        "waited_seconds": attempt.waited,
        "set_up_seconds": attempt.first_step,
        "billed_seconds": attempt.billed,
        "productive_seconds": attempt.productive,
        "billed_device_seconds": attempt.device_seconds,
        "productive_device_seconds": attempt.productive_device_seconds,
        "repeated_device_seconds": attempt.repeated_device_seconds if attempt.is_preempted else 0.0,
        "usd_per_device_hour": attempt.usd_per_hour,
        "price_market": attempt.market or None,
        "price_source": attempt.price_source or None,
        "price_date": attempt.price_date or None,
        "usd": attempt.usd,
        "joules": attempt.joules,
        "ended": attempt.ended or None,
        "message": attempt.message or None,
    }


def _plain_rows(table: Table) -> Iterator[dict[str, Any]]:
    for row in table.to_pylist():
        at = row["granted_at"]
        row["granted_at"] = at.isoformat(timespec="milliseconds") if at else None
        yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
