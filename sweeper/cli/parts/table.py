"""Tables, pairs and JSON on stdout."""

from collections.abc import Container, Iterable, Sequence
from typing import Any

import click

from sweeper.results.plain_text import pair_lines, table_lines
from sweeper.results.render_json import json_text


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: Container[str] = ()) -> None:
    """One line a row, columns to the right except those in `left`."""
    for line in table_lines(header, rows, left=left):
        click.echo(line)


def print_pairs(pairs: Iterable[tuple[str, str]], *, indent: int = 0) -> None:
    """A name and what is said of it, a line each; an empty name goes on with the line above."""
    for line in pair_lines(pairs, indent=indent):
        click.echo(line)


def print_json(value: Any) -> None:
    """One document, without numbers that are not finite."""
    click.echo(json_text(value))
