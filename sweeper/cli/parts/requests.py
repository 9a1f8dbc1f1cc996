"""What `stop`, `pause`, `resume` and `cancel` share: leave a request for whoever runs the sweep, and wait."""

import contextlib
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import click

from sweeper.cli.parts.trial_fate import fate, find_trial
from sweeper.errors import StateError
from sweeper.results.stored_sweep import (
    StoredSweep,
    next_commands,
    request,
    request_for_trial,
    standing_text,
    stored,
)
from sweeper.store.history import TrialHistory
from sweeper.store.lease import Owner, Request
from sweeper.trial import State, Wish
from sweeper.wording import score_text

INTERRUPTED = 130
LOOK_SECONDS = 0.3


def ask(name: str, what: Request, *, is_waiting: bool, what_happens: str) -> int:
    """Ask whoever runs the sweep, and return the exit code; StateError where no process runs it."""
    request(name, what)
    sweep = stored(name)
    _tell_asked(sweep, what_happens)
    if not is_waiting:
        return 0
    with _waiting() as waiting:
        while sweep.is_running():
            time.sleep(LOOK_SECONDS)
        _say(stored(name))
    return waiting.code


def ask_for_trial(name: str, word: str, wish: Wish, *, is_waiting: bool, what_happens: str) -> int:
    """Ask for one trial, and return the exit code; StateError where that cannot be, in words that say why."""
    sweep, trial = order_trial(name, word, wish)
    _tell_asked(sweep, f"trial {trial.number} {what_happens}")
    if not is_waiting:
        return 0
    with _waiting() as waiting:
        _await(sweep, trial, wish)
        click.echo(f"trial {trial.number}: {fate(trial, sweep)}")
    return waiting.code


def order_trial(name: str, word: str, wish: Wish) -> tuple[StoredSweep, TrialHistory]:
    """Leave a request about one trial, and return both; StateError where that cannot be."""
    sweep = stored(name)
    trial = find_trial(sweep, word)
    _refuse(sweep, trial, wish)
    _refuse_unowned(sweep)
    request_for_trial(sweep, trial, wish)
    return sweep, trial


def let_go_on(name: str, word: str, release: Callable[[StoredSweep, TrialHistory], None]) -> bool:
    """Let a paused trial go on, and say whether a running sweep does so; else `release` it."""
    sweep = stored(name)
    if sweep.owner:
        promise = "goes on when there is room for it"
        ask_for_trial(name, word, Wish.RESUME, is_waiting=True, what_happens=promise)
        return True
    trial = find_trial(sweep, word)
    _refuse(sweep, trial, Wish.RESUME)
    release(sweep, trial)
    return False


@dataclass
class _Waiting:
    code: int = 0


@contextlib.contextmanager
def _waiting() -> Generator[_Waiting]:
    """Ctrl-C in the block ends the wait and takes nothing back."""
    waiting = _Waiting()
    try:
        yield waiting
    except KeyboardInterrupt:
        click.echo("no longer waiting; the request stands", err=True)
        waiting.code = INTERRUPTED


def _refuse_unowned(sweep: StoredSweep) -> Owner:
    if sweep.owner is None:
        hint = f"`{next_commands(sweep.standing, sweep.name)[0]}` is next"
        raise StateError(f"nobody runs it: {standing_text(sweep)}", where=sweep.name, hint=hint)
    return sweep.owner


def _tell_asked(sweep: StoredSweep, what_happens: str) -> None:
    """Say who was asked; StateError where nobody runs the sweep."""
    owner = _refuse_unowned(sweep)
    click.echo(f"asked process {owner.pid} on {owner.host}: {what_happens}", err=True)


def _refuse(sweep: StoredSweep, trial: TrialHistory, wish: Wish) -> None:
    name, number = sweep.name, trial.number
    problem, hint = "", f"`sweeper logs {name} {number}` tells all of it"
    if trial.state.is_final:
        problem = f"it is over, {fate(trial, sweep)}"
    elif wish is Wish.PAUSE and trial.state is State.PAUSED:
        problem = "it holds no device and waits for its promotion"
        hint = f"`sweeper stop {name} --trial {number}` ends it"
    elif wish is trial.wish:
        problem = f"{trial.wished_by} asked for that already"
    elif wish is Wish.RESUME and trial.wish is not Wish.PAUSE:
        problem = f"nobody paused it: {fate(trial, sweep)}"
    if problem:
        raise StateError(problem, where=f"{name}: trial {number}", hint=hint)


def _await(sweep: StoredSweep, trial: TrialHistory, wish: Wish) -> None:
    """Follow the record until the trial stands as asked; StateError where the sweep ends before."""
    seq = sweep.last_seq
    while not _is_met(trial, wish):
        is_running = sweep.is_running()  # asked first: what its last moments wrote is then still read
        for event in sweep.events(seq):
            sweep.history.apply(event)
            seq = event.seq
        if not is_running and not _is_met(trial, wish):
            hint = f"`{next_commands(stored(sweep.name).standing, sweep.name)[0]}` is next"
            raise StateError(f"the sweep ended before trial {trial.number} did", where=sweep.name, hint=hint)
        time.sleep(LOOK_SECONDS if is_running else 0)


def _is_met(trial: TrialHistory, wish: Wish) -> bool:
    if wish is Wish.RESUME:
        return trial.wish is None or trial.state.is_final
    return trial.state.is_final or (wish is Wish.PAUSE and trial.is_held)


def _say(sweep: StoredSweep) -> None:
    states = ", ".join(f"{number} {state}" for state, number in sweep.counts.items()) or "no trials yet"
    click.echo(f"{sweep.name}: {standing_text(sweep)}; {states}")
    metric, best = sweep.spec.objective.metric, sweep.best
    report = best.best(sweep.spec.objective.goal) if best else None
    if best and report:
        click.echo(f"best so far: {metric} {score_text(metric, report.score)} (trial {best.number})")
    click.echo(f"next: {next_commands(sweep.standing, sweep.name)[0]}")
