"""`sweeper logs`: what happened in a sweep, or to one of its trials."""

import time
from collections import deque
from dataclasses import asdict
from typing import Any

import click

from sweeper.cli.parts.event_story import Story
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json
from sweeper.cli.parts.trial_fate import find_trial
from sweeper.cli.parts.trial_page import print_trial, trial_facts
from sweeper.results.stored_sweep import StoredSweep, stored
from sweeper.store.event_lines import line_of
from sweeper.store.events import Event

LOOK_SECONDS = 0.5


@click.command(epilog="Example:  sweeper logs digits 7")
@sweep_name
@click.argument("trial", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens next, until nobody runs it.")
@click.option("-n", "count", type=click.IntRange(min=1), help="Only the last so many events.")
@as_json
def command(name: str, trial: str | None, follow: bool, count: int | None, as_json: bool) -> None:
    """Tell what happened in SWEEP, oldest first; with TRIAL (its number, or how its id begins), all of it.

    The page of a trial has its configuration, attempts, reports and decisions: it says why it was stopped.
    """
    if follow and as_json:
        raise click.UsageError("--follow and --json contradict each other: leave one out")
    sweep = stored(name)
    chosen = find_trial(sweep, trial) if trial else None
    if chosen and not follow and count is None:
        if as_json:
            print_json(trial_facts(chosen, sweep))
        else:
            print_trial(chosen, sweep)
        return
    only = chosen.id if chosen else ""
    if as_json:
        print_json(
            _last([_facts(event, sweep) for event in sweep.events() if only in ("", event.trial)], count)
        )
        return
    _tell(sweep, Story(sweep.spec.objective.metric, only), count, is_following=follow)


def _tell(sweep: StoredSweep, story: Story, count: int | None, *, is_following: bool) -> None:
    for line in deque(story.feed(sweep.events()), maxlen=count):
        click.echo(line)
    while is_following:
        # asked before the events are read: what its last moments wrote is then still told
        is_following = sweep.is_running()
        for line in story.feed(sweep.events(story.seq)):
            click.echo(line)
        time.sleep(LOOK_SECONDS if is_following else 0)


def _last(items: list[Any], count: int | None) -> list[Any]:
    return items[-count:] if count else items


def _facts(event: Event, sweep: StoredSweep) -> dict[str, Any]:
    trial = sweep.history.trials.get(event.trial)
    return asdict(line_of(event)) | {"number": trial.number if trial else None}
