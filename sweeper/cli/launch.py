"""`sweeper launch`: plan a sweep, run it, answer."""

import click

from sweeper import lease
from sweeper.cli._ending import run
from sweeper.cli._options import overrides, sweep_file
from sweeper.cli._plan_page import print_plan
from sweeper.cli._plugins import check_plugins
from sweeper.cli._where import where_options
from sweeper.launching import Where, anchored, create, refuse_existing
from sweeper.paths import SweepPaths, cache_root
from sweeper.plan import make_plan
from sweeper.spec import load_spec


@click.command(epilog="Example:  sweeper launch search_spaces/digits.yaml -o budget.trials=8")
@sweep_file
@overrides
@where_options
@click.option("--dry-run", is_flag=True, help="Check everything, print the plan, write and run nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before money is spent.")
def command(file: str, overrides: tuple[str, ...], where: Where, dry_run: bool, yes: bool) -> int:
    """Run a sweep from its file to its answer.

    Everything of it is kept in runs/NAME; Ctrl-C stops it gracefully, `sweeper resume NAME` goes on.
    """
    spec = anchored(load_spec(file, overrides))
    check_plugins(spec)
    paths = SweepPaths.of(spec.name)
    lease.refuse_if_owned(paths.root)
    refuse_existing(paths)
    plan = make_plan(spec, cache_root())
    if dry_run:
        print_plan(spec, plan)
        return 0
    with lease.held(paths.root):
        return run(spec, create(spec, paths, plan), paths, plan, where)
