"""`sweeper launch`: plan a sweep, run it, answer."""

import sys

import click

from sweeper import lease
from sweeper.cli._options import overrides, sweep_file
from sweeper.cli._sweeps import refuse_existing
from sweeper.cli._where import where_options, with_metrics
from sweeper.paths import SweepPaths, cache_root
from sweeper.spec import SweepSpec, load_spec
from sweeper.where import Where


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
    spec = load_spec(file, overrides)
    paths = SweepPaths.of(spec.name)
    lease.refuse_if_owned(paths.root)
    refuse_existing(paths, spec)

    # behind the checks for an existing sweep, because they take seconds: torch, Optuna
    from sweeper.cli._ending import run
    from sweeper.cli._plan_page import print_plan
    from sweeper.cli._plugins import check_plugins
    from sweeper.launching import anchored, create
    from sweeper.plan import make_plan

    spec = anchored(spec)
    check_plugins(spec)
    plan = make_plan(spec, cache_root())
    if dry_run:
        print_plan(spec, plan)
        return 0
    if not yes and _costs_money(where) and not _may_proceed(spec, where):
        click.echo("nothing was started")
        return 0
    where = with_metrics(where)
    with lease.held(paths.root):
        return run(spec, create(spec, paths, plan), paths, plan, where)


def _costs_money(where: Where) -> bool:
    """A price was named, and somebody sits at a terminal who can be asked."""
    return where.usd_per_gpu_hour is not None and sys.stdin.isatty()


def _may_proceed(spec: SweepSpec, where: Where) -> bool:
    limits = spec.budget.model_dump(exclude={"max_failed"}, exclude_none=True)
    said = ", ".join(f"{value:g} {name.replace('_', ' ')}" for name, value in limits.items()) or "no limit"
    click.echo(f"{spec.name}: {where.usd_per_gpu_hour:g} USD per GPU-hour; budget: {said}", err=True)
    return click.confirm("Proceed?", default=True, err=True)
