"""`sweeper pause`: let one trial rest, while the others go on."""

import click

from sweeper.cli.parts.options import one_trial, sweep_name
from sweeper.cli.parts.requests import ask_for_trial
from sweeper.trial import Wish


@click.command(epilog="Example:  sweeper pause digits --trial 7")
@sweep_name
@one_trial(required=True, help="Its number. `sweeper stop SWEEP` pauses them all.")
@click.option("--no-wait", is_flag=True, help="Return at once, not when the trial has paused.")
def command(name: str, trial: str, no_wait: bool) -> int:
    """Pause one trial of SWEEP at its next report; its device goes to another trial.

    `sweeper resume SWEEP --trial N` lets it go on. A sweep with nothing else left ends and leaves it paused.
    """
    promise = "pauses at its next report, the others go on"
    return ask_for_trial(name, trial, Wish.PAUSE, is_waiting=not no_wait, what_happens=promise)
