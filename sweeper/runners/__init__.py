"""A runner asks the sweep for trials, runs them somewhere and reports back; each is a plug-in here.

There are four: `ray_tune` (workers of a Ray cluster), `subprocess` (one worker of our own), `local` (this
process) and `simulated` (a virtual clock). What a trial does on a worker is the `Workload`; what the driver
does meanwhile is the `Pulse`.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from sweeper.registry import Registry
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report, Trial


class Workload(Protocol):
    """What a trial does on a worker: it yields a report for each epoch, with its checkpoint already written.

    It must be picklable. It raises what went wrong, and ends when the trial is trained in full.
    """

    def __call__(self, trial: Trial, /) -> Iterator[Report]:
        """Train the attempt."""
        ...


class Pulse(Protocol):
    """What the driver does between events: heartbeat, display, requests from other processes."""

    def __call__(self) -> bool:
        """Do what is due; True when every trial must end now."""
        ...


Runner = Callable[[Sweep, Workload, Pulse], None]

runner: Registry[Callable[..., Runner]] = Registry("runner", "sweeper.runners")
"""Factories `(*, options...) -> Runner`; a runner is called as `(sweep, workload, pulse)` and returns
when the sweep is done, stopped or cancelled. It decides nothing."""
