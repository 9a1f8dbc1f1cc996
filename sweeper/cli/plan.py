"""`sweeper plan`: what would a sweep do, and what would it cost?"""

import click

from sweeper.cli.parts.estimate_page import refuse_what_cannot_fit
from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.cli.parts.plan_page import plan_facts, print_plan
from sweeper.cli.parts.table import print_json
from sweeper.config.spec import load_spec
from sweeper.cost.prices import load_prices
from sweeper.launch.create import anchored
from sweeper.launch.tracking import check_tracking
from sweeper.launch.warm_start import known_events
from sweeper.plan.estimate import basis, quote, situation
from sweeper.plan.plan import make_plan
from sweeper.store.paths import cache_root


@click.command(epilog="Example:  sweeper plan search_spaces/digits.yaml --probe")
@sweep_file
@overrides
@click.option("--probe", is_flag=True, help="Train a few networks for some steps here: under a minute.")
@click.option("--slots", type=click.IntRange(1, 100_000), help="Trials at a time. [default: this machine's]")
@click.option("--usd-per-gpu-hour", type=click.FloatRange(min=0, min_open=True), help="What a GPU costs.")
@click.option("--instance", metavar="NAME", help="The cloud's instance, such as g6.xlarge: its GPU's price.")
@as_json
def command(
    file: str,
    overrides: tuple[str, ...],
    probe: bool,
    slots: int | None,
    usd_per_gpu_hour: float | None,
    instance: str | None,
    as_json: bool,
) -> None:
    """Show what a sweep would do and cost: space, images, networks, device-hours and money with ranges.

    Reads the images once to count them; trains nothing unless --probe is given, and starts nothing. Ends with
    exit code 2 where the budget has no room for a single trial.
    """
    spec = anchored(load_spec(file, overrides))
    check_tracking(spec)
    usd = _price(usd_per_gpu_hour, instance)
    plan = make_plan(spec, cache_root())
    known_events(spec, plan.facts.digest)  # refuses what would mislead the search
    where = situation(spec, slots=slots, usd=usd)
    if probe:
        click.echo("timing a few networks on this machine ...", err=True)
    quoted = quote(spec, plan, where, basis(spec, plan, cache_root(), where, probing=probe))
    if as_json:
        print_json(plan_facts(spec, plan, quoted))
    else:
        print_plan(spec, plan, quoted)
    refuse_what_cannot_fit(quoted)


def _price(flat: float | None, instance: str | None) -> float | None:
    """USD an hour of one GPU; SpecError for an unknown instance, and for a wrong prices file."""
    found = load_prices(usd_per_gpu_hour=flat, instance=instance or "").of_node({})
    return found.usd_per_gpu_hour if found else None
