"""`sweeper status`: how one sweep stands, from its record."""

import click

from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.status_page import print_status, status_facts
from sweeper.cli.parts.table import print_json
from sweeper.results.stored_sweep import stored


@click.command(epilog="Example:  sweeper status digits --json")
@sweep_name
@as_json
def command(name: str, as_json: bool) -> None:
    """Show how SWEEP stands: trials, best so far, budget, device time, failures.

    Running trials count as of their last heartbeat, ten seconds ago at most.
    """
    sweep = stored(name)
    if as_json:
        print_json(status_facts(sweep))
    else:
        print_status(sweep)
