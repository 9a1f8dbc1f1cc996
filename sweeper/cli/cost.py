"""`sweeper cost`: what a sweep's device time and money went into, and the ledger as a file."""

import sys
from typing import TYPE_CHECKING

import click

from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.output_file import write_output
from sweeper.cli.parts.table import print_card, print_json
from sweeper.errors import SpecError
from sweeper.results.card import Card
from sweeper.results.cards.bill import nodes, parameters, sums, trials
from sweeper.results.cards.quoted import estimate
from sweeper.results.costs import bill
from sweeper.results.render_json import merged
from sweeper.results.stored_sweep import stored
from sweeper.sweep.chance import images_per_class

if TYPE_CHECKING:
    from sweeper.results.ledger_file import Format

TRIALS = 10
VIEWS = ("trial", "parameter", "node")
FORMATS = ("parquet", "csv", "json")


@click.command(epilog="Example:  sweeper cost digits --format parquet --output ledger.parquet")
@sweep_name
@click.option("--by", type=click.Choice(VIEWS), help="Only this table, whole.")
@click.option("-n", "count", type=click.IntRange(min=1), help=f"Rows by trial. [default: {TRIALS}]")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="One row for each attempt.")
@click.option("--output", type=click.Path(dir_okay=False), help="Write the rows there. [default: stdout]")
@as_json
def command(
    name: str, by: str | None, count: int | None, format_: "Format | None", output: str | None, as_json: bool
) -> None:
    """Show what SWEEP cost, and what for: by trial, by parameter value, by node.

    Works while the sweep runs. With --format: the ledger itself, see docs/cost.md.
    """
    _refuse_contradictions(by, format_, output, as_json)
    sweep = stored(name)
    if format_:
        from sweeper.results.ledger_file import ledger  # pyarrow: only a file needs it

        write_output(ledger(sweep, format_), output)
        return
    found = bill(sweep.history, sweep.spec, images=images_per_class(sweep.meta))
    count = count if as_json else count or TRIALS
    tables = (trials(sweep, found, count), parameters(sweep, found), nodes(sweep, found))
    asked = [table for view, table in zip(VIEWS, tables, strict=True) if by in (None, view)]
    whole, quoted = sums(sweep, found), estimate(sweep)
    if as_json:
        head = {"sweep": sweep.name, "state": sweep.standing}
        print_json(head | merged((quoted, whole, *asked)))
        return
    for card in ([] if by else [whole]) + asked[::-1]:
        print_card(card)
    if by is None and isinstance(quoted, Card):
        click.echo()
        print_card(quoted)


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
