"""The rungs of a scheduler, from the lowest to the highest."""

import math
from collections.abc import Iterator

from sweeper.schedulers import Milestone, Scheduler
from sweeper.trial import Report

_ENDLESS = 1000
"""A scheduler that judges after every epoch has no last rung."""


def ladder_of(scheduler: Scheduler) -> Iterator[Milestone]:
    """Yield where a trial is judged, in the bracket with the lowest rungs; at most a thousand."""
    last: Report | None = None
    for _ in range(_ENDLESS):
        rung = scheduler.next_rung("", last)
        if rung is None:
            return
        yield rung
        last = Report(math.ceil(rung.level), 0.0, 0.0 if rung.resource == "epoch" else rung.level)
