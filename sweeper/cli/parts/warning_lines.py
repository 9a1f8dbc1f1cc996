"""This module prints warnings on stderr, a line each, so that stdout has only what was asked for."""

from collections.abc import Iterable

import click

from sweeper.wording import plain


def print_warnings(warnings: Iterable[str]) -> None:
    """Print each warning on its line."""
    for warning in warnings:
        click.echo(f"warning: {plain(warning)}", err=True)


def print_reading(layout: str) -> None:
    """Print how the folders of the images were understood, where there was something to understand."""
    if layout:
        click.echo(f"images: {plain(layout)}", err=True)
