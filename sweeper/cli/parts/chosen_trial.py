"""What the verbs that look at one trial share: the option that names it, and its network."""

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

import click
import torch

from sweeper.cli.parts.trial_fate import find_trial
from sweeper.errors import StateError
from sweeper.inference.trained_network import Opened, open_trial
from sweeper.results.stored_sweep import StoredSweep, stored
from sweeper.store.history import TrialHistory

F = TypeVar("F", bound=Callable[..., Any])


def trial_option(function: F) -> F:
    """Add `--trial N`, passed as `trial`; None is the best."""
    text = "The trial's number, or how its id begins. [default: the best]"
    return click.option("--trial", metavar="N", help=text)(function)


def choose(name: str, trial: str | None) -> tuple[StoredSweep, TrialHistory]:
    """Return the sweep and the trial that is meant; StateError where no trial has reported yet."""
    sweep = stored(name)
    chosen = sweep.best if trial is None else find_trial(sweep, trial)
    if chosen is None:
        raise StateError("no trial has reported yet", where=name, hint=f"`sweeper status {name}` shows why")
    return sweep, chosen


def open_chosen(sweep: StoredSweep, trial: TrialHistory, *, on_cpu: bool = False) -> Opened:
    """Open the trial's network, on the GPU where there is one."""
    device = torch.device("cpu") if on_cpu else None
    return open_trial(sweep.paths, sweep.meta, sweep.spec, trial, device=device)


@contextlib.contextmanager
def writing(target: Path) -> Generator[None]:
    """Turn a full disk, or a folder that may not be written, into a StateError."""
    try:
        yield
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise StateError(problem, where=str(error.filename or target)) from error
