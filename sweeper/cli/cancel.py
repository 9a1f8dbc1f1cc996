"""`sweeper cancel`: end every trial of a sweep now."""

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.cli.parts.requests import ask


@click.command(epilog="Example:  sweeper cancel digits")
@sweep_name
@click.option("--no-wait", is_flag=True, help="Return at once, not when the sweep has ended.")
def command(name: str, no_wait: bool) -> int:
    """End every trial of SWEEP now; what came after their last checkpoints is lost.

    `sweeper resume SWEEP` goes on from those checkpoints; `sweeper stop SWEEP` waits for the next ones.
    """
    promise = "every trial ends now and keeps its last checkpoint"
    return ask(name, "cancel", is_waiting=not no_wait, what_happens=promise)
