"""Tables, pairs, cards and JSON on stdout: as wide as their content, so that a pipe gets all of it."""

from collections.abc import Container, Iterable, Sequence
from typing import Any

import click

from sweeper.results.card import Card
from sweeper.results.render_json import json_text
from sweeper.wording import plain


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: Container[str] = ()) -> None:
    """Print a line for each row, with columns to the right except those in `left`."""
    lines = [[plain(text) for text in line] for line in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for number, line in enumerate(lines):
        cells = zip(header, line, widths, strict=True)
        text = "  ".join(
            cell.ljust(width) if name in left else cell.rjust(width) for name, cell, width in cells
        )
        click.echo(text.rstrip() if number else click.style(text.rstrip(), dim=True))


def print_pairs(pairs: Iterable[tuple[str, str]], *, indent: int = 0) -> None:
    """Print a line for each name and text; an empty name goes on with the line above."""
    lines = [(plain(name), plain(text)) for name, text in pairs]
    width = max((len(name) for name, _ in lines), default=0)
    for name, text in lines:
        click.echo(
            " " * indent + f"{click.style(name, bold=True)}{' ' * (width - len(name))}  {text}".rstrip()
        )


def print_card(card: Card) -> None:
    """Print the card's title and pairs, its tables, its notes."""
    if card.lines:
        click.echo(f"{click.style(plain(card.title), bold=True)}: {plain(card.subtitle)}")
        print_pairs((line.label, line.text) for line in card.lines)
    for table in card.tables:
        if table.title:
            click.echo(f"\n{click.style(plain(table.title), bold=True)}  {plain(table.aside)}".rstrip())
        print_table(table.columns, table.rows, left=table.left)
        if table.below:
            click.echo(plain(table.below))
    for number, note in enumerate(card.notes):
        click.echo(plain(note) if number else f"\n{plain(note)}")


def print_json(value: Any) -> None:
    """Print one JSON document, with null for numbers that are not finite."""
    click.echo(json_text(value))
