"""How `launch` and `resume` run a sweep and end: the answer so far, and the command that goes on."""

import sys
from collections.abc import Iterator

import click
from rich.console import Console

from sweeper.cli.parts.answer_page import WIDTH, answer_of, drawn
from sweeper.config.run_options import RunOptions
from sweeper.errors import SpecError
from sweeper.launch.changes import edits, extension, shortened
from sweeper.launch.create import create, new_folder
from sweeper.launch.draft import Draft
from sweeper.launch.driver import Ending
from sweeper.launch.run import Launch, drive
from sweeper.results.pages import print_answer
from sweeper.results.stored_sweep import StoredSweep, read, reason_text
from sweeper.store.paths import SweepPaths
from sweeper.trial import State

INTERRUPTED = 130
SHOWN = 20
"""Changes of a sweep file that are shown, a line each."""


def run_new(planned: Draft, options: RunOptions) -> int:
    """Make the folder of a new sweep, and run it; where no trial of it begins, the folder goes again."""
    spec, paths = planned.spec, SweepPaths.of(planned.spec.name)
    with new_folder(paths):
        record = create(spec, paths, planned.plan, planned.known, planned.quote.to_json())
        return run(Launch(spec, record, paths, planned.plan, options))


def run(launch: Launch) -> int:
    """Drive the sweep, say how it ended, and return the exit code. The caller holds the lease."""
    try:
        ending = drive(launch)
    except KeyboardInterrupt:
        # before the trials began, or the third time: nobody was left to close the record
        ending = Ending(INTERRUPTED, "SIGINT", 0)
    say(ending, launch.paths)
    return ending.exit_code


def refuse_edited(told: StoredSweep) -> None:
    """SpecError, after a line for each difference, where the sweep's own file says something else by now."""
    name, file = told.name, told.paths.spec
    changes = edits(file, told.spec)
    if not changes:
        return
    for line in shortened(changes, SHOWN):
        click.echo(f"  {line}", err=True)
    command = extension(changes, name)
    places = "one place" if len(changes) == 1 else f"{len(changes)} places"
    another = f"`sweeper launch {file} -o name=NEW` starts another sweep"
    way = f"`{command}` asks for the same" if command else another
    raise SpecError(
        f"edited since the sweep was launched, in {places}",
        where=str(file),
        hint=f"{way}; delete sweep.yaml, a copy for people, to go on as launched",
    )


def say(ending: Ending, paths: SweepPaths) -> None:
    """The answer so far on stdout; what went wrong, and the command that goes on, on stderr."""
    told = read(paths)
    answered = drawn(answer_of(told), paths)
    width = None if sys.stdout.isatty() else WIDTH
    print_answer(answered, Console(width=width, highlight=False))
    for line in _remarks(told, ending):
        click.echo(line, err=True)


def _remarks(told: StoredSweep, ending: Ending) -> Iterator[str]:
    name = told.paths.name
    failed = [trial.number for trial in told.history.trials.values() if trial.state is State.FAILED]
    if failed:
        yield f"{len(failed)} failed: `sweeper logs {name} {failed[-1]}` says why"
    if ending.undelivered:
        yield f"tracking has not confirmed {ending.undelivered} rows: `sweeper sync {name}` delivers them"
    if told.ended == "broken":
        yield f"given up: each of the first {told.spec.budget.max_failed} trials failed; once that is mended:"
        yield f"sweeper retry {name} --failed"
    elif told.ended != "done":
        why = reason_text(told.history.closed or ending.why)
        yield f"stopped ({why}); go on with:  sweeper resume {name}"
