"""Tables and JSON on stdout: as wide as their content, so that what is piped on is never cut."""

import json
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import click


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: Container[str] = ()) -> None:
    """One line a row, columns to the right except those in `left`."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for number, line in enumerate(lines):
        cells = zip(header, line, widths, strict=True)
        text = "  ".join(
            cell.ljust(width) if name in left else cell.rjust(width) for name, cell, width in cells
        )
        click.echo(text.rstrip() if number else click.style(text.rstrip(), dim=True))


def print_pairs(pairs: Iterable[tuple[str, str]], *, indent: int = 0) -> None:
    """A name and what is said of it, a line each; an empty name goes on with the line above."""
    lines = list(pairs)
    width = max((len(name) for name, _ in lines), default=0)
    for name, text in lines:
        click.echo(
            " " * indent + f"{click.style(name, bold=True)}{' ' * (width - len(name))}  {text}".rstrip()
        )


def print_json(value: Any) -> None:
    """One document. JSON knows neither NaN nor infinity: such numbers are null."""
    click.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
