"""Trials on a virtual clock: thousands of workers, no waiting, the same decisions."""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from sweeper.ledger import Grant
from sweeper.runners import Pulse, Runner, Workload, runner
from sweeper.runners._attempt import CANCELLED, outcome_after, reports
from sweeper.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, Trial


@dataclass(slots=True)
class VirtualClock:
    """Seconds that pass only when somebody says so; the sweep's `clock` in a simulation."""

    now: float = 0.0

    def __call__(self) -> float:
        """The present moment."""
        return self.now


@dataclass(order=True, slots=True)
class _Step:
    """The next thing that a worker will say, and when."""

    at: float
    order: int
    trial: Trial = field(compare=False)
    item: Report | Outcome | None = field(compare=False)
    rest: Iterator[Report | Outcome] = field(compare=False)


@runner("simulated")
def simulated(*, clock: VirtualClock, workers: Annotated[int, Field(ge=1)] = 1) -> Runner:
    """`clock` must be the sweep's own. A report comes when the device-seconds that it names have passed."""

    def drive(sweep: Sweep, workload: Workload, pulse: Pulse) -> None:
        sweep.meter.hold(workers)
        heap: list[_Step] = []
        order = itertools.count()
        while not pulse():
            while sweep.live < workers and (trial := sweep.ask()):
                sweep.granted(trial.id, Grant(node="simulated", device="virtual"))
                spent = _spent(sweep, trial)
                heapq.heappush(heap, _next(trial, reports(workload, trial), clock.now, spent, next(order)))
            if not heap:
                return
            step = heapq.heappop(heap)
            clock.now = step.at
            _deliver(sweep, step, heap, next(order))
        for step in heap:
            sweep.tell(step.trial.id, CANCELLED)

    return drive


def _deliver(sweep: Sweep, step: _Step, heap: list[_Step], order: int) -> None:
    if not isinstance(step.item, Report):
        sweep.tell(step.trial.id, step.item or outcome_after(Decision.CONTINUE))
        return
    decision = sweep.report(step.trial.id, step.item)
    if decision is not Decision.CONTINUE:
        sweep.tell(step.trial.id, outcome_after(decision))
        return
    heapq.heappush(heap, _next(step.trial, step.rest, step.at, step.item.device_seconds, order))


def _next(trial: Trial, rest: Iterator[Report | Outcome], now: float, spent: float, order: int) -> _Step:
    item = next(rest, None)
    seconds = max(0.0, item.device_seconds - spent) if isinstance(item, Report) else 0.0
    return _Step(now + seconds, order, trial, item, rest)


def _spent(sweep: Sweep, trial: Trial) -> float:
    last = sweep.history.trials[trial.id].last
    return last.device_seconds if last and trial.checkpoint else 0.0
