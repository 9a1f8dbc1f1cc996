"""`sweeper stop`: let running trials reach their next report, and start no more."""

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.cli.parts.requests import ask


@click.command(epilog="Example:  sweeper stop digits")
@sweep_name
@click.option("--no-wait", is_flag=True, help="Return at once, not when the sweep has stopped.")
def command(name: str, no_wait: bool) -> int:
    """Stop SWEEP gracefully: running trials pause at their next report, and no more are started.

    `sweeper resume SWEEP` goes on from there.
    """
    promise = "running trials pause at their next report, no more are started"
    return ask(name, "stop", is_waiting=not no_wait, what_happens=promise)
