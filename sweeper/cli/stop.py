"""`sweeper stop`: let running trials reach their next report, and start no more; or stop one trial alone."""

import click

from sweeper.cli.parts.options import one_trial, sweep_name
from sweeper.cli.parts.requests import ask, ask_for_trial
from sweeper.trial import Wish


@click.command(epilog="Example:  sweeper stop digits --trial 7")
@sweep_name
@one_trial(help="Only the trial of this number, for good; the others go on.")
@click.option("--no-wait", is_flag=True, help="Return at once, not when the sweep or trial has stopped.")
def command(name: str, trial: str | None, no_wait: bool) -> int:
    """Stop SWEEP gracefully: running trials pause at their next report, and no more are started.

    `sweeper resume SWEEP` goes on from there. With --trial one trial is stopped and keeps its scores.
    """
    if trial is not None:
        promise = "stops at its next report, the others go on"
        return ask_for_trial(name, trial, Wish.STOP, is_waiting=not no_wait, what_happens=promise)
    promise = "running trials pause at their next report, no more are started"
    return ask(name, "stop", is_waiting=not no_wait, what_happens=promise)
