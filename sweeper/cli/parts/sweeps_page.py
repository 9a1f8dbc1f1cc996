"""The sweeps of a folder, for people and as JSON: a row for each, a line for each that cannot be read."""

from typing import Any

import click

from sweeper.cli.parts.table import print_table
from sweeper.errors import SweeperError
from sweeper.results.stored_sweep import StoredSweep
from sweeper.wording import device_text, score_text

_HEADER = ("sweep", "state", "trials", "best", "device time", "begun")
Unreadable = tuple[str, SweeperError]
"""A sweep's name, and why its record cannot be read."""


def print_sweeps(sweeps: list[StoredSweep | Unreadable]) -> None:
    """Print the table on stdout, and on stderr which sweeps it lacks."""
    rows = [_row(each) for each in sweeps if isinstance(each, StoredSweep)]
    if rows:
        print_table(_HEADER, rows, left=_HEADER)
    for name, error in (each for each in sweeps if not isinstance(each, StoredSweep)):
        click.echo(f"{name}: cannot be read: {' '.join(str(error).split())}", err=True)


def sweep_facts(sweep: StoredSweep | Unreadable) -> dict[str, Any]:
    """Return one sweep as JSON."""
    if not isinstance(sweep, StoredSweep):
        name, error = sweep
        return {"name": name, "state": "unreadable", "problem": str(error)}
    objective, best = sweep.spec.objective, sweep.best
    report = best.best(objective.goal) if best else None
    sums = sweep.device_totals
    return {
        "name": sweep.name,
        "state": sweep.standing,
        "host": sweep.owner.host if sweep.owner else None,
        "pid": sweep.owner.pid if sweep.owner else None,
        "trials": sweep.counts,
        "metric": objective.metric,
        "best": report.score if report else None,
        "best_trial": best.number if best else None,
        "device_seconds": sums.billed,
        "device": "gpu" if sweep.has_gpu else "cpu_slot",
        "usd": sums.usd if sums.billed else None,
        "begun": sweep.meta.get("created"),
        "folder": str(sweep.root),
    }


def _row(sweep: StoredSweep) -> tuple[str, ...]:
    owner = sweep.owner
    running = f" ({owner.host}, process {owner.pid})" if owner else ""
    count = len(sweep.history.trials)
    states = ", ".join(f"{number} {state}" for state, number in sweep.counts.items())
    best, objective = sweep.best, sweep.spec.objective
    report = best.best(objective.goal) if best else None
    score = f"{objective.metric} {score_text(objective.metric, report.score)}" if report else "-"
    return (
        sweep.name,
        f"{sweep.standing}{running}",
        f"{count}: {states}" if states else "none yet",
        score,
        device_text(sweep.device_totals.billed, sweep.has_gpu),
        _begun(sweep),
    )


def _begun(sweep: StoredSweep) -> str:
    """Return when the sweep was created, to the minute."""
    return sweep.meta.get("created", "")[:16].replace("T", " ")
