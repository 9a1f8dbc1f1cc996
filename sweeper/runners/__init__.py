"""Where trials run: plug-ins that ask the sweep for trials, run them somewhere, and report back."""

from collections.abc import Callable, Iterator
from typing import Protocol

from sweeper.registry import Registry
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report, Trial


class Workload(Protocol):
    """What a trial does on a worker: one report an epoch, a checkpoint written before each.

    Picklable. Raises what went wrong; ends when the trial is trained in full.
    """

    def __call__(self, trial: Trial, /) -> Iterator[Report]:
        """Train the attempt."""
        ...


class Pulse(Protocol):
    """What the driver does between events: heartbeat, display, requests from other processes."""

    def __call__(self) -> bool:
        """True when every trial must end now."""
        ...


Runner = Callable[[Sweep, Workload, Pulse], None]

runner: Registry[Callable[..., Runner]] = Registry("runner", "sweeper.runners")
"""Factories `(*, options...) -> Runner`; a runner is called as `(sweep, workload, pulse)` and returns
when the sweep is done, stopped or cancelled. It decides nothing."""
