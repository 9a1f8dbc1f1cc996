"""A scheduler decides whether a trial goes on after a report; each is a plug-in of this folder.

It takes numbers and returns a verdict. It opens no file, starts no process and reads no clock, so that
the same reports give the same verdicts in a sweep, in a simulation and when a sweep resumes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from sweeper.registry import Registry
from sweeper.trial import Report, Verdict

Resource = Literal["epoch", "device_seconds"]


@dataclass(frozen=True, slots=True)
class Milestone:
    """Where a trial is judged next, in epochs or in device-seconds since its first epoch."""

    resource: Resource
    level: float


class Scheduler(Protocol):
    """Decides over the reports of a sweep, in the order in which they arrive."""

    def on_report(self, trial_id: str, report: Report) -> Verdict:
        """Return whether the trial goes on, stops or pauses, with the numbers that decided it.

        A score that is NaN or infinite stops the trial, whatever the scheduler.
        """
        ...

    def next_rung(self, trial_id: str, last: Report | None) -> Milestone | None:
        """Return where the trial is judged next when it goes on from `last`; None: not before its end.

        Asking changes nothing: what a trial may cost until then is reserved in the budget.
        """
        ...

    def next_promotion(self) -> str | None:
        """Return the best paused trial that has earned more of the resource; None where there is none."""
        ...

    def last_promotion(self) -> str | None:
        """A paused trial that goes on although too few others have come to compare it with: nothing runs, and
        nobody else will come. None where there is none, or somebody has passed the last rung already."""
        ...


@runtime_checkable
class KnowsNoise(Protocol):
    """A scheduler that wants to know how far a score can be trusted."""

    def validated_on(self, images: int) -> None:
        """Hear, before the first report, of how many validation images a score is a share."""
        ...


scheduler: Registry[Callable[..., Scheduler]] = Registry("scheduler", "sweeper.schedulers")
"""Factories `(goal, epochs, *, options...) -> Scheduler`; `epochs` is the length of a full trial."""
