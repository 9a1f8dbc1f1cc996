"""`sweeper list`: the sweeps of this folder. Bare `sweeper` shows the same."""

from typing import Any

import click

from sweeper.cli.parts.options import as_json
from sweeper.cli.parts.table import print_json, print_table
from sweeper.errors import SweeperError
from sweeper.results.stored_sweep import StoredSweep, runs_root, stored, sweep_names
from sweeper.wording import device_text, score_text

HEADER = ("sweep", "state", "trials", "best", "device time", "begun")


@click.command(epilog="Example:  sweeper list --json")
@as_json
def command(as_json: bool = False) -> None:
    """Show the sweeps in runs/: state, trials, best score, device time.

    Another folder: SWEEPER_RUNS=/shared/runs sweeper list
    """
    told = [_told(name) for name in sweep_names()]
    if as_json:
        print_json([_facts(each) if isinstance(each, StoredSweep) else _problem(*each) for each in told])
        return
    if not told:
        click.echo(f"no sweeps in {runs_root()}")
        click.echo("start one:  sweeper launch search_spaces/digits.yaml")
        click.echo("or write your own sweep file first:  sweeper init my.yaml --root PHOTOS/")
        return
    rows = [_row(each) for each in told if isinstance(each, StoredSweep)]
    if rows:
        print_table(HEADER, rows, left=("sweep", "state", "trials", "best", "device time", "begun"))
    for name, error in (each for each in told if not isinstance(each, StoredSweep)):
        click.echo(f"{name}: cannot be read: {' '.join(str(error).split())}", err=True)


def _told(name: str) -> StoredSweep | tuple[str, SweeperError]:
    try:
        return stored(name)
    except SweeperError as error:
        return name, error


def _row(told: StoredSweep) -> tuple[str, ...]:
    owner = told.owner
    running = f" ({owner.host}, process {owner.pid})" if owner else ""
    count = len(told.history.trials)
    states = ", ".join(f"{number} {state}" for state, number in told.counts.items())
    best, objective = told.best, told.spec.objective
    report = best.best(objective.goal) if best else None
    score = f"{objective.metric} {score_text(objective.metric, report.score)}" if report else "-"
    return (
        told.name,
        f"{told.standing}{running}",
        f"{count}: {states}" if states else "none yet",
        score,
        device_text(told.device_totals.billed, told.has_gpu),
        begun(told),
    )


def begun(told: StoredSweep) -> str:
    """When the sweep was created, to the minute."""
    return told.meta.get("created", "")[:16].replace("T", " ")


def _facts(told: StoredSweep) -> dict[str, Any]:
    objective, best = told.spec.objective, told.best
    report = best.best(objective.goal) if best else None
    sums = told.device_totals
    return {
        "name": told.name,
        "state": told.standing,
        "host": told.owner.host if told.owner else None,
        "pid": told.owner.pid if told.owner else None,
        "trials": told.counts,
        "metric": objective.metric,
        "best": report.score if report else None,
        "best_trial": best.number if best else None,
        "device_seconds": sums.billed,
        "device": "gpu" if told.has_gpu else "cpu_slot",
        "usd": sums.usd if sums.billed else None,
        "begun": told.meta.get("created"),
        "folder": str(told.root),
    }


def _problem(name: str, error: SweeperError) -> dict[str, Any]:
    return {"name": name, "state": "unreadable", "problem": str(error)}
