"""`sweeper simulate`: what a sweep's settings would cost and find, without training anything."""

from dataclasses import asdict

import click

from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.cli.parts.simulation_page import print_runs
from sweeper.cli.parts.table import print_json
from sweeper.config.spec import SweepSpec, load_spec
from sweeper.errors import StateError
from sweeper.plan.check_plugins import check_plugins
from sweeper.plan.simulate import Machines, Run, simulate
from sweeper.results.stored_sweep import stored
from sweeper.runners import Workload
from sweeper.runners.parts.recorded_curves import ReplayedCurves
from sweeper.search.parts.portfolio_start import started, with_members


@click.command(
    epilog="Example:  sweeper simulate search_spaces/uecfood.yaml --workers 100 --trials 1000 "
    "--compare scheduler.kind=promote --seeds 5"
)
@sweep_file
@overrides
@click.option("--workers", type=click.IntRange(1, 100_000), default=8, show_default=True, help="Devices.")
@click.option("--trials", type=click.IntRange(min=1), help="Replaces the whole budget by so many trials.")
@click.option("--from", "source", metavar="SWEEP", help="Replay the curves of this sweep; else made-up ones.")
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True, help="Repetitions.")
@click.option("--losses", type=click.FloatRange(min=0), default=0.0, help="Nodes that die per device-hour.")
@click.option(
    "--preemptions", type=click.FloatRange(min=0), default=0.0, help="Workers taken away per device-hour."
)
@click.option("--compare", multiple=True, metavar="KEY=VALUE", help="Beside it, the same with this override.")
@as_json
def command(
    file: str,
    overrides: tuple[str, ...],
    workers: int,
    trials: int | None,
    source: str | None,
    seeds: int,
    losses: float,
    preemptions: float,
    compare: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run the search, early stopping and budget of FILE on a virtual clock, several settings side by side.

    Made-up curves rise as those of small CNNs do and stand for no data set: they compare settings, they
    do not promise figures.
    """
    machines = Machines(workers=workers, losses=losses, preemptions=preemptions)
    limit = [f"budget={{trials: {trials}}}"] if trials else []
    named = [("as written", _spec(file, [*overrides, *limit]))]
    named += [(change, _spec(file, [*overrides, *limit, change])) for change in compare]
    curves = {name: _replayed(spec, source) if source else None for name, spec in named}
    runs = [(name, _runs(spec, machines, seeds, curves[name])) for name, spec in named]
    if as_json:
        print_json([{"settings": name, "runs": [asdict(run) for run in some]} for name, some in runs])
        return
    print_runs(runs, named[0][1].objective.metric)
    origin = f"the curves of {source}" if source else "made-up curves"
    click.echo(f"{workers} workers, {seeds} seeds, {origin}; 95 % intervals of the mean", err=True)
    for line in dict.fromkeys(_cut_text(each) for each in curves.values() if each is not None and each.cut):
        click.echo(line, err=True)


def _spec(file: str, overrides: list[str]) -> SweepSpec:
    spec = load_spec(file, overrides)
    check_plugins(spec)
    return with_members(spec, started(spec))


def _runs(spec: SweepSpec, machines: Machines, seeds: int, curves: Workload | None) -> list[Run]:
    return [simulate(spec, machines, seed=seed, curves=curves) for seed in range(seeds)]


def _cut_text(curves: ReplayedCurves) -> str:
    """What is guessed of curves that early stopping cut."""
    text = f"{curves.cut} of {len(curves.recorded)} curves were cut short: they go on at their own pace"
    return f"{text}, with their last score; how much better they would have become cannot be told"


def _replayed(spec: SweepSpec, source: str) -> ReplayedCurves:
    complete = [trial for trial in stored(source).history.trials.values() if trial.reports]
    if not complete:
        raise StateError("no trial of it has reported", where=source, hint="choose another sweep")
    return ReplayedCurves(spec.space, complete, spec.train.epochs)
