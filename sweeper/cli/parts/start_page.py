"""The configurations that a sweep begins with, and how each was fitted: `sweeper plan --start`."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from sweeper.cli.parts.table import print_table
from sweeper.search.parts.portfolio_start import Start
from sweeper.wording import config_text, plain


def print_start(start: Start | None) -> None:
    """Print every member of the portfolio: as it runs, with what was changed, or why it does not run."""
    if start is None:
        click.echo("\nno portfolio runs first: search.start is random")
        return
    click.echo()
    rows = [(plain(name), plain(text)) for name, text in _rows(start)]
    print_table(("member", f"of {plain(start.source)}"), rows, left=("member", f"of {plain(start.source)}"))


def start_facts(start: Start | None) -> dict[str, Any] | None:
    """Return the same as JSON; None where no portfolio runs first."""
    if start is None:
        return None
    return {
        "source": start.source,
        "origin": start.origin,
        "runs": start.runs,
        "members": [asdict(each) for each in start.members],
        "left_out": [{"name": each.name, "why": each.unfit} for each in start.others],
    }


def _rows(start: Start) -> Iterator[tuple[str, str]]:
    for place, each in enumerate(start.members):
        text = config_text(each.config)
        yield each.name, text if place < start.runs else f"{text} (only with a larger budget)"
        yield from (("", f"  {note}") for note in each.notes())
    yield from ((each.name, f"left out: {each.unfit}") for each in start.others)
