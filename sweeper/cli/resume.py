"""`sweeper resume`: go on with a sweep that was stopped."""

import functools

import click

from sweeper.cli.parts.options import one_trial, sweep_name
from sweeper.cli.parts.requests import let_go_on
from sweeper.cli.parts.runner_options import where_options, with_observers
from sweeper.config.run_options import RunOptions
from sweeper.errors import SpecError
from sweeper.launch.changes import edits, extension, shortened
from sweeper.launch.extend import release
from sweeper.launch.recovery import owned, refuse_finished
from sweeper.results.stored_sweep import StoredSweep, refuse_running

SHOWN = 20
"""Changes of a sweep file that are shown, a line each."""


@click.command(epilog="Example:  sweeper resume digits")
@sweep_name
@one_trial(help="Let a trial go on that `sweeper pause` holds, also while the sweep runs.")
@where_options
@click.option("--takeover", is_flag=True, help="End whoever runs the sweep now, and go on in its place.")
@click.option("--images", type=click.Path(), help="Where the images lie here, if not where they lay before.")
def command(name: str, trial: str | None, where: RunOptions, takeover: bool, images: str | None) -> int:
    """Go on with SWEEP where it stopped: trials continue from their last checkpoints.

    It runs as it was launched. Its folder is all that it needs, on this machine or another; where the
    record was lost, its copy is gone on from. Trials that `sweeper pause` holds stay paused without --trial.
    """
    if trial is not None and let_go_on(name, trial, release):
        return 0
    refuse_running(name, is_taken_over=takeover)
    note = functools.partial(click.echo, err=True)
    with owned(name, note) as sweep:
        _refuse_edited(sweep)
        refuse_finished(sweep)

        # after what may be refused, because they take seconds: torch, Optuna
        from sweeper.cli.parts.ending import say
        from sweeper.launch.own_cores import own_cores
        from sweeper.launch.resume import resumed
        from sweeper.launch.run import drive
        from sweeper.launch.warm_up import warming

        with warming(sweep.spec, with_observers(where)) as where, own_cores(name, where, note) as here:
            return say(drive(resumed(sweep, here, images)), name)


def _refuse_edited(sweep: StoredSweep) -> None:
    """Print each difference and raise SpecError where the sweep's own file was edited since the launch."""
    name, file = sweep.name, sweep.paths.spec
    changes = edits(file, sweep.spec)
    if not changes:
        return
    for line in shortened(changes, SHOWN):
        click.echo(f"  {line}", err=True)
    command = extension(changes, name)
    places = "one place" if len(changes) == 1 else f"{len(changes)} places"
    another = f"`sweeper launch {file} -o name=NEW` starts another sweep"
    way = f"`{command}` asks for the same" if command else another
    raise SpecError(
        f"edited since the sweep was launched, in {places}",
        where=str(file),
        hint=f"{way}; delete sweep.yaml, a copy for people, to go on as launched",
    )
