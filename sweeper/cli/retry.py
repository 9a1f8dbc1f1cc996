"""`sweeper retry`: another attempt for trials that were given up."""

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.errors import StateError
from sweeper.results.stored_sweep import find, read
from sweeper.store import lease
from sweeper.store.events import TrialRetried
from sweeper.store.record import Record
from sweeper.trial import State


@click.command(epilog="Example:  sweeper retry digits --failed")
@sweep_name
@click.option("--failed", is_flag=True, required=True, help="Every trial that failed.")
def command(sweep: str, failed: bool) -> None:
    """Put the failed trials of SWEEP back into its queue, once their cause is mended.

    Each goes on from its last checkpoint when the sweep is resumed.
    """
    paths = find(sweep)
    with lease.held(paths.root):
        trials = [t for t in read(paths).history.trials.values() if t.state is State.FAILED]
        if not trials:
            raise StateError("no trial of it failed", where=sweep, hint=f"sweeper status {sweep}")
        record = Record.open(paths.record)
        record.append(*(TrialRetried(trial=trial.id) for trial in trials))
        record.close()
    numbers = ", ".join(str(trial.number) for trial in trials)
    click.echo(f"trial{'s' if len(trials) > 1 else ''} {numbers} will be tried again")
    click.echo(f"go on with:  sweeper resume {sweep}")
