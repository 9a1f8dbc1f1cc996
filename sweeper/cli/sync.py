"""`sweeper sync`: deliver to MLflow what it has not confirmed."""

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.launch.tracking import deliver
from sweeper.results.stored_sweep import find, stored

UNTOLD = 7


@click.command(epilog="Example:  sweeper sync digits")
@sweep_name
@click.option("--timeout", type=click.FloatRange(min=1), default=600, show_default=True, help="Seconds.")
def command(name: str, timeout: float) -> int:
    """Tell MLflow what is left of SWEEP in the record's outbox. May be repeated: nothing doubles.

    The report, the pictures and the ledger are put beside the sweep's run anew.
    """
    from sweeper.launch.tell_files import tell_files  # loads pyarrow

    done = deliver(find(name), timeout)
    click.echo(f"{done.before - done.left} rows delivered, {done.left} left")
    if done.left:
        click.echo(f"MLflow: {done.problem or 'refused some of them, or the time was up'}", err=True)
        return UNTOLD
    untold = tell_files(stored(name))
    if untold:
        click.echo(untold, err=True)
    return UNTOLD if untold else 0
