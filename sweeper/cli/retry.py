"""`sweeper retry`: another attempt for trials that were given up."""

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.launch.extend import retry_failed
from sweeper.results.stored_sweep import find


@click.command(epilog="Example:  sweeper retry digits --failed")
@sweep_name
@click.option("--failed", is_flag=True, required=True, help="Every trial that failed.")
def command(name: str, failed: bool) -> None:
    """Put the failed trials of SWEEP back into its queue, once their cause is mended.

    Each goes on from its last checkpoint when the sweep is resumed.
    """
    numbers = retry_failed(find(name))
    trials = f"trial{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
    click.echo(f"{trials} will be tried again\ngo on with:  sweeper resume {name}")
