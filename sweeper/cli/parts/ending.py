"""The last words of `launch` and `resume`: the answer so far, what went wrong, and how to go on."""

import sys
from collections.abc import Iterator

import click

from sweeper.cli.parts.answer_page import board_of, print_page
from sweeper.launch.driver import Ending
from sweeper.results.answer import Cards, answer
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.stored_sweep import StoredSweep, reason_text, stored
from sweeper.trial import State
from sweeper.wording import plain, redacted


def say(ending: Ending, name: str) -> int:
    """Print the answer so far on stdout, what went wrong and how to go on on stderr; return the exit code.

    The report comes last: nobody waits seconds for the answer because a page is written.
    """
    from sweeper.results.answer_pictures import draw_pictures  # imports matplotlib

    sweep = stored(name)
    board = board_of(sweep)
    draw_pictures(board)  # before the answer, which names what is there
    cards = answer(board)
    print_page(board, cards=cards)
    for line in _remarks(sweep, ending):
        click.echo(line, err=True)
    _report(board, cards)
    if ending.is_told:
        _tell(sweep)
    return ending.exit_code


def _tell(sweep: StoredSweep) -> None:
    from sweeper.launch.tell_files import tell_files  # imports MLflow

    untold = tell_files(sweep)
    if untold:
        click.echo(f"{untold}; `sweeper sync {sweep.name}` tries again", err=True)


def _report(board: Leaderboard, cards: Cards) -> None:
    from sweeper.report.formats import write_report  # imports plotly: a second in which the answer is read

    sys.stdout.flush()
    problem = write_report(board, cards)
    if problem:
        click.echo(problem, err=True)
    else:
        click.echo(f"Report    {board.sweep.paths.report}")


def _remarks(sweep: StoredSweep, ending: Ending) -> Iterator[str]:
    name = sweep.name
    failed = [trial.number for trial in sweep.history.trials.values() if trial.state is State.FAILED]
    if failed:
        yield f"{len(failed)} failed: `sweeper logs {name} {failed[-1]}` says why"
    if ending.undelivered:
        if ending.problem:
            yield f"MLflow: {plain(redacted(ending.problem))}"
        delivers = "delivers them once that is mended" if ending.problem else "delivers them"
        yield f"tracking has not confirmed {ending.undelivered} rows: `sweeper sync {name}` {delivers}"
    if sweep.ended == "broken":
        count = sweep.spec.budget.max_failed
        yield f"given up: each of the first {count} trials failed; once that is mended:"
        yield f"sweeper retry {name} --failed"
    elif sweep.ended != "done":
        why = reason_text(sweep.history.closed or ending.why)
        yield f"stopped ({why}); go on with:  sweeper resume {name}"
