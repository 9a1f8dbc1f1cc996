"""`sweeper sync`: deliver to MLflow what it has not confirmed."""

import time

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.launch.run import reopen, target_of
from sweeper.results.stored_sweep import find
from sweeper.trackers import tracker
from sweeper.trackers.sender import Delivery, deliver_all

UNTOLD = 7


@click.command(epilog="Example:  sweeper sync digits")
@sweep_name
@click.option("--timeout", type=click.FloatRange(min=1), default=600, show_default=True, help="Seconds.")
def command(sweep: str, timeout: float) -> int:
    """Tell MLflow what is left of SWEEP in the record's outbox. May be repeated: nothing doubles."""
    paths = find(sweep)
    spec, record = reopen(paths)
    target = target_of(spec, record, paths)
    before = record.pending_count()
    delivery = Delivery(record, lambda: tracker["mlflow"](target))
    deadline = time.monotonic() + timeout
    deliver_all(delivery, is_over=lambda: time.monotonic() > deadline)
    left = record.pending_count()
    record.close()
    click.echo(f"{before - left} rows delivered, {left} left")
    if left:
        click.echo(f"MLflow: {delivery.problem or 'refused some of them, or the time was up'}", err=True)
    return UNTOLD if left else 0
