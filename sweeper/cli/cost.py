"""`sweeper cost`: what a sweep's device time and money went into, and the ledger as a file."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sweeper.cli.parts.cost_page import VIEWS, print_bill
from sweeper.cli.parts.estimate_beside_actual import beside_facts, print_quoted
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json
from sweeper.errors import SpecError
from sweeper.files import write_atomically
from sweeper.results.costs import Bill, bill
from sweeper.results.stored_sweep import StoredSweep, events, find, read
from sweeper.store.events import AttemptStarted

if TYPE_CHECKING:
    from sweeper.results.ledger_file import Format

TRIALS = 10
FORMATS = ("parquet", "csv", "json")


@click.command(epilog="Example:  sweeper cost digits --format parquet --output ledger.parquet")
@sweep_name
@click.option("--by", type=click.Choice(VIEWS), help="Only this table, whole.")
@click.option("-n", "count", type=click.IntRange(min=1), help=f"Rows by trial. [default: {TRIALS}]")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="One row for each attempt.")
@click.option("--output", type=click.Path(dir_okay=False), help="Write the rows there. [default: stdout]")
@as_json
def command(
    sweep: str, by: str | None, count: int | None, format_: "Format | None", output: str | None, as_json: bool
) -> None:
    """Show what SWEEP cost, and what for: by trial, by parameter value, by node.

    Works while the sweep runs. With --format: the ledger itself, see docs/cost.md.
    """
    _refuse_contradictions(by, format_, output, as_json)
    told = read(find(sweep))
    if format_:
        _write(_content(told, format_), output)
        return
    drawn = bill(told.history, told.spec, classes=_classes(told))
    if as_json:
        head = {"sweep": told.paths.name, "state": told.standing, "quote": beside_facts(told)}
        print_json(head | _facts(drawn, by, count))
        return
    print_bill(told, drawn, by, count or TRIALS)
    if by is None:
        print_quoted(told)


def _refuse_contradictions(
    by: str | None, format_: "Format | None", output: str | None, as_json: bool
) -> None:
    if output and not format_:
        raise SpecError("--output without --format", hint=f"add --format {'|'.join(FORMATS)}")
    if format_ and (as_json or by):
        other = "--json" if as_json else f"--by {by}"
        raise SpecError(f"--format and {other} contradict each other", hint="leave one out")
    if format_ == "parquet" and not output and sys.stdout.isatty():
        raise SpecError("Parquet is nothing for a terminal", hint="add --output FILE.parquet")


def _classes(told: StoredSweep) -> int | None:
    return len(json.loads(told.meta["classes"])) if "classes" in told.meta else None


def _content(told: StoredSweep, format_: "Format") -> bytes:
    from sweeper.results.ledger_file import ledger_table, written  # pyarrow: only a file needs it

    granted_at = {
        (event.trial, event.attempt): event.at
        for event in events(told.paths)
        if isinstance(event, AttemptStarted)
    }
    goal, name = told.spec.objective.goal, told.paths.name
    table = ledger_table(
        told.history, goal, sweep=name, sweep_id=told.meta["sweep_id"], granted_at=granted_at
    )
    return written(table, format_)


def _write(content: bytes, output: str | None) -> None:
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        write_atomically(Path(output), content)
    except OSError as error:
        raise SpecError(
            f"cannot write there ({error.strerror})", where=output, hint="choose another"
        ) from error


def _facts(drawn: Bill, by: str | None, count: int | None) -> dict[str, Any]:
    """All of it, or the sums and one table; `-n` cuts the trials, which are all there otherwise."""
    facts = drawn.as_dict()
    tables = {"trial": "trials", "parameter": "parameters", "node": "nodes"}
    for view, key in tables.items():
        if by not in (None, view):
            del facts[key]
    if count and "trials" in facts:
        facts["trials"] = facts["trials"][:count]
    return facts
