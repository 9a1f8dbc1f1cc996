"""How `launch` and `resume` run a sweep and end: the answer so far, and the command that goes on."""

import contextlib
import dataclasses
import functools
import json
import sys
from collections.abc import Iterator

import click
from rich.console import Console

from sweeper.cli._sweeps import Told, next_commands, read, reason_text
from sweeper.driver import Ending
from sweeper.launching import drive
from sweeper.paths import SweepPaths
from sweeper.plan import Plan, parameter_count
from sweeper.record import Record
from sweeper.results.answer import Answer, Places, answer
from sweeper.results.pages import print_answer
from sweeper.results.plots import anytime_svg, front_svg
from sweeper.results.published import Measure
from sweeper.spec import SweepSpec
from sweeper.trackers.address import redacted, tracking_uri
from sweeper.trial import State
from sweeper.where import Where

INTERRUPTED = 130
WIDTH = 120
"""Columns where stdout is no terminal and nobody says how wide it is."""


def run(spec: SweepSpec, record: Record, paths: SweepPaths, plan: Plan, where: Where) -> int:
    """Drive the sweep, say how it ended, and return the exit code. The caller holds the lease."""
    try:
        ending = drive(spec, record, paths, plan, where)
    except KeyboardInterrupt:
        # before the trials began, or the third time: nobody was left to close the record
        ending = Ending(INTERRUPTED, "SIGINT", 0)
    say(ending, paths)
    return ending.exit_code


def say(ending: Ending, paths: SweepPaths) -> None:
    """The answer so far on stdout; what went wrong, and the command that goes on, on stderr."""
    told = read(paths)
    answered = drawn(answer_of(told), paths)
    width = None if sys.stdout.isatty() else WIDTH
    print_answer(answered, Console(width=width, highlight=False))
    for line in _remarks(told, ending):
        click.echo(line, err=True)


def drawn(answered: Answer, paths: SweepPaths) -> Answer:
    """The answer with its pictures drawn anew; without those that cannot be written or do not exist."""
    pictures = {paths.front: front_svg, paths.anytime: anytime_svg}
    if answered.best:
        with contextlib.suppress(OSError):
            for path, draw in pictures.items():
                path.write_text(draw(answered), encoding="utf-8")
    there = tuple(str(path) for path in pictures if path.exists())
    return dataclasses.replace(answered, places=dataclasses.replace(answered.places, pictures=there))


def _remarks(told: Told, ending: Ending) -> Iterator[str]:
    name = told.paths.name
    failed = [trial.number for trial in told.history.trials.values() if trial.state is State.FAILED]
    if failed:
        yield f"{len(failed)} failed: `sweeper logs {name} {failed[-1]}` says why"
    if ending.untold:
        yield f"tracking has not confirmed {ending.untold} rows: `sweeper sync {name}` delivers them"
    if told.ended == "broken":
        yield f"given up: each of the first {told.spec.budget.max_failed} trials failed; once that is mended:"
        yield f"sweeper retry {name} --failed"
    elif told.ended != "done":
        why = reason_text(told.history.closed or ending.why)
        yield f"stopped ({why}); go on with:  sweeper resume {name}"


def answer_of(told: Told) -> Answer:
    """The answer that the record gives now."""
    spec = told.spec
    places = Places(
        record=str(told.paths.record),
        tracking=redacted(tracking_uri(spec.tracking.uri, told.paths.mlflow)),
        experiment=spec.tracking.experiment or spec.name,
        commands=next_commands(told.ended, spec.name),
    )
    classes = len(json.loads(told.meta["classes"])) if "classes" in told.meta else None
    measure = _measure(told, classes)
    return answer(told.history, spec, classes=classes, places=places, measure=measure)


def _measure(told: Told, classes: int | None) -> Measure | None:
    """How to count parameters; None for a record that does not tell the shape of its images."""
    channels = told.meta.get("channels")
    if classes is None or channels is None:
        return None
    return functools.partial(parameter_count, spec=told.spec, channels=int(channels), classes=classes)
