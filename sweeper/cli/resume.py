"""`sweeper resume`: go on with a sweep that was stopped."""

import functools

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.cli.parts.runner_options import where_options, with_metrics
from sweeper.config.run_options import RunOptions
from sweeper.results.stored_sweep import refuse_running


@click.command(epilog="Example:  sweeper resume digits")
@sweep_name
@where_options
@click.option("--takeover", is_flag=True, help="End whoever runs the sweep now, and go on in its place.")
@click.option("--images", type=click.Path(), help="Where the images lie here, if not where they lay before.")
def command(sweep: str, where: RunOptions, takeover: bool, images: str | None) -> int:
    """Go on with SWEEP where it stopped: trials continue from their last checkpoints.

    It runs as it was launched. Its folder is all that it needs, on this machine or another; where the
    record was lost, its copy is gone on from.
    """
    refuse_running(sweep, is_taken_over=takeover)

    # after the check for a running sweep, because they take seconds: torch, Optuna
    from sweeper.cli.parts.ending import refuse_edited, say
    from sweeper.launch.resume import owned, resumed
    from sweeper.launch.run import drive

    with owned(sweep, functools.partial(click.echo, err=True)) as told:
        refuse_edited(told)
        return say(drive(resumed(told, with_metrics(where), images)), told.paths)
