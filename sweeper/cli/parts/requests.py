"""What `stop` and `cancel` share: leave a request for the process that runs the sweep, and wait for it."""

import time

import click

from sweeper.errors import StateError
from sweeper.results.stored_sweep import StoredSweep, next_commands, request, standing_text, stored
from sweeper.store.lease import Request
from sweeper.wording import score_text

INTERRUPTED = 130
LOOK_SECONDS = 0.3


def ask(name: str, what: Request, *, is_waiting: bool, what_happens: str) -> int:
    """Ask whoever runs the sweep, and return the exit code; StateError where no process runs it."""
    owner, sweep = request(name, what), stored(name)
    if owner is None:
        hint = f"`{next_commands(sweep.standing, name)[0]}` is next"
        raise StateError(f"nobody runs it: {standing_text(sweep)}", where=name, hint=hint)
    click.echo(f"asked process {owner.pid} on {owner.host}: {what_happens}", err=True)
    if not is_waiting:
        return 0
    try:
        while sweep.is_running():
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        click.echo("no longer waiting; the request stands", err=True)
        return INTERRUPTED
    _say(stored(name))
    return 0


def _say(sweep: StoredSweep) -> None:
    states = ", ".join(f"{number} {state}" for state, number in sweep.counts.items()) or "no trials yet"
    click.echo(f"{sweep.name}: {standing_text(sweep)}; {states}")
    metric, best = sweep.spec.objective.metric, sweep.best
    report = best.best(sweep.spec.objective.goal) if best else None
    if best and report:
        click.echo(f"best so far: {metric} {score_text(metric, report.score)} (trial {best.number})")
    click.echo(f"next: {next_commands(sweep.standing, sweep.name)[0]}")
