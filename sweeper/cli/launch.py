"""`sweeper launch`: plan a sweep, run it, answer."""

import contextlib
import sys

import click

from sweeper.cli.parts.changes import refuse_existing
from sweeper.cli.parts.options import overrides, sweep_file
from sweeper.cli.parts.runner_options import where_options, with_metrics
from sweeper.config.run_options import RunOptions
from sweeper.config.spec import load_spec
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.store import lease
from sweeper.store.paths import SweepPaths, cache_root


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
    paths = SweepPaths.of(spec.name)
    lease.refuse_if_owned(paths.root)
    refuse_existing(paths, spec)

    # behind the checks for an existing sweep, because they take seconds: torch, Optuna
    from sweeper.cli.parts.check_plugins import check_plugins
    from sweeper.cli.parts.ending import run
    from sweeper.cli.parts.estimate_page import refuse_what_cannot_fit
    from sweeper.cli.parts.plan_page import print_plan
    from sweeper.launch.run import anchored, create
    from sweeper.launch.warm_start import known_events
    from sweeper.plan.estimate import quote_of
    from sweeper.plan.plan import make_plan
    from sweeper.plan.rehearsal import QUICK, THOROUGH

    spec = anchored(spec)
    check_plugins(spec)
    plan = make_plan(spec, cache_root())
    known = known_events(spec, plan.facts.digest)
    quote = quote_of(spec, plan, where, THOROUGH if dry_run else QUICK)
    if dry_run:
        print_plan(spec, plan, quote)
        refuse_what_cannot_fit(quote)
        return 0
    refuse_what_cannot_fit(quote)
    if not _may_proceed(quote, where, is_sure=yes):
        click.echo("nothing was started")
        return 0
    where = with_metrics(where)
    with lease.held(paths.root):
        return run(spec, create(spec, paths, plan, known, quote.to_json()), paths, plan, where)


def _may_proceed(quote: CostEstimate, where: RunOptions, *, is_sure: bool) -> bool:
    """The quote in a line; where money is spent its table, and the question if somebody is there."""
    from sweeper.cli.parts.estimate_page import print_quote, quiet_line

    if quote.usd is None:
        if not where.is_quiet and where.runner != "simulated":
            click.echo(quiet_line(quote), err=True)
        return True
    with contextlib.redirect_stdout(sys.stderr):
        print_quote(quote)
    if is_sure or not sys.stdin.isatty():
        return True
    return click.confirm("Proceed?", default=True, err=True)
