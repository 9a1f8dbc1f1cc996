"""`sweeper plan`: what would a sweep do?"""

import click

from sweeper.cli._options import as_json, overrides, sweep_file
from sweeper.cli._plan_page import plan_facts, print_plan
from sweeper.cli._plugins import check_plugins
from sweeper.cli._table import print_json
from sweeper.launching import anchored
from sweeper.paths import cache_root
from sweeper.plan import make_plan
from sweeper.spec import load_spec


@click.command(epilog="Example:  sweeper plan search_spaces/digits.yaml")
@sweep_file
@overrides
@as_json
def command(file: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Show what a sweep would do: its space, its images, and the networks of five configurations.

    Reads the images once to count them; trains nothing and starts nothing.
    """
    spec = anchored(load_spec(file, overrides))
    check_plugins(spec)
    plan = make_plan(spec, cache_root())
    if as_json:
        print_json(plan_facts(spec, plan))
    else:
        print_plan(spec, plan)
