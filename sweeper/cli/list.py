"""`sweeper list`: the sweeps of this folder. Bare `sweeper` shows the same."""

import click

from sweeper.cli.parts.options import as_json
from sweeper.cli.parts.sweeps_page import Unreadable, print_sweeps, sweep_facts
from sweeper.cli.parts.table import print_json
from sweeper.errors import SweeperError
from sweeper.results.stored_sweep import StoredSweep, runs_root, stored, sweep_names


@click.command(epilog="Example:  sweeper list --json")
@as_json
def command(as_json: bool = False) -> None:
    """Show the sweeps in runs/: state, trials, best score, device time.

    Another folder: SWEEPER_RUNS=/shared/runs sweeper list
    """
    sweeps = [_stored_or_problem(name) for name in sweep_names()]
    if as_json:
        print_json([sweep_facts(each) for each in sweeps])
        return
    if not sweeps:
        click.echo(f"no sweeps in {runs_root()}")
        click.echo("start one:  sweeper launch search_spaces/digits.yaml")
        click.echo("or write your own sweep file first:  sweeper init my.yaml --root PHOTOS/")
        return
    print_sweeps(sweeps)


def _stored_or_problem(name: str) -> StoredSweep | Unreadable:
    try:
        return stored(name)
    except SweeperError as error:
        return name, error
