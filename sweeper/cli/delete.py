"""`sweeper delete`: remove a sweep for good."""

import sys

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.errors import SpecError, SweeperError
from sweeper.launch.delete import delete, size_of
from sweeper.results.stored_sweep import find, read, refuse_running, standing_text


@click.command(epilog="Example:  sweeper delete digits")
@sweep_name
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(name: str, yes: bool) -> int:
    """Remove SWEEP: its record, checkpoints and pictures. It cannot be brought back.

    A sweep that runs is never deleted: stop it first. What MLflow was told stays there.
    """
    refuse_running(name)
    paths = find(name)
    try:
        sweep = read(paths)
        what = f"{standing_text(sweep)}, {len(sweep.history.trials)} trials"
    except SweeperError:
        what = "its record cannot be read"
    click.echo(f"{paths.root}: {what}, {size_of(paths) / 1e6:,.1f} MB", err=True)
    if not yes and not sys.stdin.isatty():
        raise SpecError("nobody is there to be asked, so nothing was deleted", where=name, hint="add --yes")
    if not yes and not click.confirm("Delete it for good?", default=False, err=True):
        click.echo("nothing was deleted", err=True)
        return 0
    delete(paths)
    click.echo(f"{name} is deleted; what MLflow was told of it stays there")
    return 0
