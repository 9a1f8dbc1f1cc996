"""`sweeper plan`: what would a sweep do, and what would it cost?"""

import functools

import click

from sweeper.cli.parts.estimate_page import refuse_what_cannot_fit
from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.cli.parts.plan_page import plan_facts, print_plan
from sweeper.cli.parts.start_page import print_start
from sweeper.cli.parts.table import print_json
from sweeper.config.run_options import RunOptions
from sweeper.config.spec import load_spec
from sweeper.launch.draft import preview


@click.command(epilog="Example:  sweeper plan search_spaces/digits.yaml --probe")
@sweep_file
@overrides
@click.option("--probe", is_flag=True, help="Train a few networks for some steps here: under a minute.")
@click.option("--slots", type=click.IntRange(1, 100_000), help="Trials at a time. [default: this machine's]")
@click.option("--usd-per-gpu-hour", type=click.FloatRange(min=0, min_open=True), help="What a GPU costs.")
@click.option("--instance", metavar="NAME", help="The cloud's instance, such as g6.xlarge: its GPU's price.")
@click.option("--start", "shows_start", is_flag=True, help="Show what a portfolio runs first, and why.")
@as_json
def command(
    file: str,
    overrides: tuple[str, ...],
    probe: bool,
    slots: int | None,
    usd_per_gpu_hour: float | None,
    instance: str | None,
    shows_start: bool,
    as_json: bool,
) -> None:
    """Show what a sweep would do and cost: space, images, networks, device-hours and money with ranges.

    Decodes the images once to count them and find copies. Trains nothing unless --probe is given. Ends with
    exit code 2 where the budget has no room for a single trial, with 5 where weights are not on this machine.
    """
    options = RunOptions(usd_per_gpu_hour=usd_per_gpu_hour, instance=instance or "")
    note = functools.partial(click.echo, err=True)
    found = preview(load_spec(file, overrides), options, slots=slots, is_probing=probe, say=note)
    if as_json:
        print_json(plan_facts(found.spec, found.plan, found.quote))
    else:
        print_plan(found.spec, found.plan, found.quote)
        if shows_start:
            print_start(found.plan.start)
    found.plan.require_weights()
    refuse_what_cannot_fit(found.quote)
