"""This runner runs trials on a virtual clock: thousands of workers, no waiting, the same decisions."""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from sweeper.cost import Overheads
from sweeper.runners import Pulse, Runner, Workload, runner
from sweeper.runners.parts.run_attempt import CANCELLED, outcome_after, reports
from sweeper.store.attempt import Grant
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, Trial


@dataclass(slots=True)
class VirtualClock:
    """A clock that moves only when it is told to: the sweep's `clock` in a simulation."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the present moment."""
        return self.now


@dataclass(slots=True)
class _Line:
    """What a worker has still to say of an attempt. `spent` are the device-seconds of its last report."""

    trial: Trial
    rest: Iterator[Report | Outcome]
    spent: float
    share: float
    epoch_overhead: float
    pace: float = 0.0

    def next(self, now: float, order: int) -> "_Step":
        item = next(self.rest, None)
        if isinstance(item, Report):
            self.pace = max(0.0, item.device_seconds - self.spent) / self.share + self.epoch_overhead
            self.spent = item.device_seconds
            return _Step(now + self.pace, order, self, item)
        return _Step(now + (self.pace / 2 if item else 0.0), order, self, item)


@dataclass(order=True, slots=True)
class _Step:
    """The next thing that a worker will say, and when."""

    at: float
    order: int
    line: _Line = field(compare=False)
    item: Report | Outcome | None = field(compare=False)


@runner("simulated")
def simulated(
    *,
    clock: VirtualClock,
    workers: Annotated[int, Field(ge=1)] = 1,
    grant: Grant | None = None,
    overheads: Overheads | None = None,
) -> Runner:
    """`clock` must be the sweep's own. A report comes when the device-seconds that it names have passed.

    `grant` is what each attempt receives; `overheads` come on top of what the reports say, in seconds. A
    lost worker takes half of its current epoch with it.
    """
    held = grant or Grant(node="simulated", device="virtual")
    beside = overheads or Overheads()

    def drive(sweep: Sweep, workload: Workload, pulse: Pulse) -> None:
        sweep.meter.hold({held.node: workers * held.share})
        heap: list[_Step] = []
        order = itertools.count()
        started = 0
        while not pulse():
            while sweep.live < workers and (trial := sweep.ask()):
                sweep.on_start(trial.id, held)
                setup = beside.attempt + (beside.worker if started < workers else 0.0)
                started += 1
                line = _Line(trial, reports(workload, trial), _spent(sweep, trial), held.share, beside.epoch)
                heapq.heappush(heap, line.next(clock.now + setup, next(order)))
            if not heap:
                break
            step = heapq.heappop(heap)
            clock.now = step.at
            _deliver(sweep, step, heap, next(order))
        for step in heap:
            sweep.tell(step.line.trial.id, CANCELLED)
        sweep.meter.hold(0)

    return drive


def _deliver(sweep: Sweep, step: _Step, heap: list[_Step], order: int) -> None:
    trial = step.line.trial
    if not isinstance(step.item, Report):
        sweep.tell(trial.id, step.item or outcome_after(Decision.CONTINUE))
        return
    decision = sweep.report(trial.id, step.item)
    if decision is not Decision.CONTINUE:
        sweep.tell(trial.id, outcome_after(decision))
        return
    heapq.heappush(heap, step.line.next(step.at, order))


def _spent(sweep: Sweep, trial: Trial) -> float:
    last = sweep.history.trials[trial.id].last
    return last.device_seconds if last and trial.checkpoint else 0.0
