"""This module prints warnings on stderr, a line each, so that stdout has only what was asked for."""

from collections.abc import Iterable

import click

from sweeper.wording import plain


def print_warnings(warnings: Iterable[str]) -> None:
    """Print each warning on its line."""
    for warning in warnings:
        click.echo(f"warning: {plain(warning)}", err=True)
