"""What is odd, but not refused: a line each on stderr, so that stdout stays what was asked for."""

from collections.abc import Iterable

import click

from sweeper.wording import plain


def print_warnings(warnings: Iterable[str]) -> None:
    """Print each on its line."""
    for warning in warnings:
        click.echo(f"warning: {plain(warning)}", err=True)
