"""How `launch` and `resume` run a sweep and end: the answer so far, and the command that goes on."""

import sys
from collections.abc import Iterator

import click
from rich.console import Console

from sweeper.cli.parts.answer_page import WIDTH, answer_of, drawn
from sweeper.config.run_options import RunOptions
from sweeper.config.spec import SweepSpec
from sweeper.launch.driver import Ending
from sweeper.launch.run import drive
from sweeper.plan.plan import Plan
from sweeper.results.pages import print_answer
from sweeper.results.stored_sweep import StoredSweep, read, reason_text
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.trial import State

INTERRUPTED = 130


def run(spec: SweepSpec, record: Record, paths: SweepPaths, plan: Plan, where: RunOptions) -> int:
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
