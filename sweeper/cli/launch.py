"""`sweeper launch`: plan a sweep, run it, answer."""

import functools
import sys

import click

from sweeper.cli.parts.options import overrides, sweep_file
from sweeper.cli.parts.runner_options import where_options, with_observers
from sweeper.cli.parts.warning_lines import print_reading, print_warnings
from sweeper.config.run_options import RunOptions
from sweeper.config.spec import load_spec
from sweeper.launch.changes import refuse_existing


@click.command(epilog="Example:  sweeper launch search_spaces/digits.yaml -o budget.trials=8")
@sweep_file
@overrides
@where_options
@click.option("--dry-run", is_flag=True, help="Check everything, print the plan, write and run nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before money is spent.")
def command(file: str, overrides: tuple[str, ...], where: RunOptions, dry_run: bool, yes: bool) -> int:
    """Run a sweep from its file to its answer.

    Everything of it is kept in runs/NAME; Ctrl-C stops it gracefully, `sweeper resume NAME` goes on.
    """
    spec = load_spec(file, overrides)
    refuse_existing(spec)

    # after the check for an existing sweep, because they take seconds: torch, Optuna
    if not where.is_quiet and sys.stderr.isatty():
        click.echo("loading torch, Optuna and MLflow", err=True)
    from sweeper.cli.parts.ending import say
    from sweeper.cli.parts.estimate_page import may_proceed, refuse_what_cannot_fit
    from sweeper.cli.parts.plan_page import print_plan
    from sweeper.launch.draft import draft
    from sweeper.launch.own_cores import own_cores
    from sweeper.launch.run import launch_new
    from sweeper.launch.warm_up import warming

    with warming(spec, where, is_wanted=not dry_run) as where:
        planned = draft(spec, where, is_thorough=dry_run)
        if dry_run:
            print_plan(planned.spec, planned.plan, planned.quote)
        planned.plan.require_weights()
        refuse_what_cannot_fit(planned.quote)
        if dry_run:
            return 0
        if not where.is_quiet:
            print_reading(planned.plan.facts.layout)
            print_warnings(planned.plan.warnings)
        if not may_proceed(planned.quote, where, is_sure=yes):
            click.echo("nothing was started")
            return 0
        with own_cores(spec.name, where, functools.partial(click.echo, err=True)) as here:
            return say(launch_new(planned, with_observers(here)), spec.name)
