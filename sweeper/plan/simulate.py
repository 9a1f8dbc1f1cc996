"""This module runs a sweep many times on a virtual clock and says what its settings would cost and find."""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sweeper.config.spec import SweepSpec
from sweeper.cost import Overheads
from sweeper.plan.simulated_quote import simulated_quote
from sweeper.runners import Workload, runner
from sweeper.runners.parts.lost import NodeLost, Preempted
from sweeper.runners.parts.synthetic_curves import SyntheticCurves
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Grant
from sweeper.store.events import Event
from sweeper.store.record import OutboxRow
from sweeper.sweep.ranking import best_of
from sweeper.sweep.rules import NEWEST
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Config, Report, State, Trial, derive


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one simulated sweep. Hours are virtual, and `attempts` counts the lost ones too.

    `rungs` says how many trials reached each rung, `closed` why it ended: `done` or `budget`; `enough` is
    what `stop_when` said where it ended the search.
    """

    best: float
    device_hours: float
    wall_hours: float
    trials: int
    stopped: int
    attempts: int
    completed: int = 0
    rungs: Mapping[float, int] = field(default_factory=dict[float, int])
    closed: str = "done"
    enough: str = ""


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines of a simulation: slots, what each attempt receives, and how often workers are lost.

    `losses` (a node dies: five of a trial are forgiven) and `preemptions` (without limit) are per
    device-hour; a trial goes on from its last report.
    """

    workers: int = 8
    grant: Grant = field(default_factory=lambda: Grant(node="simulated", device="virtual"))
    overheads: Overheads = field(default_factory=Overheads)
    losses: float = 0.0
    preemptions: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """A mean over seeds, and half the width of its 95 % interval (normal); 0 for a single seed."""

    mean: float
    half_width: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Return the mean and interval of one figure over several seeds."""
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        return cls(statistics.fmean(values), 1.96 * spread / len(values) ** 0.5)


@dataclass(frozen=True)
class Faulty:
    """The same workload, on workers that are lost at random."""

    workload: Workload
    machines: Machines
    seed: int = 0

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """Yield the reports, and raise in place of one that the lost worker could not give."""
        chance = np.random.default_rng(derive(self.seed, "losses", trial.id, trial.attempt))
        both = self.machines.losses + self.machines.preemptions
        before: float | None = None
        for report in self.workload(trial):
            seconds = report.device_seconds - (before if before is not None else 0.0)
            if before is None and report.epoch > 1:  # it goes on: what came before is paid for
                seconds = report.device_seconds / report.epoch
            before = report.device_seconds
            if chance.random() < 1 - math.exp(-both * max(0.0, seconds) / 3600):
                is_lost = chance.random() * both < self.machines.losses
                raise NodeLost("the node died") if is_lost else Preempted("the worker was preempted")
            yield report


class NullEventLog:
    """An event log that keeps nothing: a simulation is never resumed."""

    def __init__(self, meta: Mapping[str, str]) -> None:
        self._meta = dict(meta)

    @property
    def meta(self) -> dict[str, str]:
        """What the sweep was created with."""
        return dict(self._meta)

    def append(self, *events: Event, outbox: Iterable[OutboxRow] = ()) -> None:
        """Keep nothing: the sweep has applied the event already."""

    def events(self, after: int = 0) -> Iterator[Event]:
        """Return no event: a simulation begins anew."""
        return iter(())


def simulate(
    spec: SweepSpec,
    machines: Machines,
    *,
    seed: int,
    curves: Workload | None = None,
    samples: Sequence[tuple[Config, float]] = (),
    validate_config: Callable[[Config], str] = lambda config: "",
) -> Run:
    """Run the sweep's own search, scheduler and budget against curves; trains nothing.

    `seed` replaces the search's, and shapes made-up curves. `samples` are configurations with the seconds
    of an epoch that a quote would foresee for them; left out, they are read from the curves.
    """
    spec = _seeded(spec, seed)
    curved = curves or SyntheticCurves(spec.space, spec.train.epochs, spec.objective.metric, seed)
    workload: Workload = curved
    if machines.losses or machines.preemptions:
        workload = Faulty(workload, machines, seed)
    clock = VirtualClock()
    meta = {"sweep_id": f"simulated-{seed}", **NEWEST}
    if any((spec.budget.gpu_hours, spec.budget.usd, spec.budget.wall_hours)):
        meta["quote"] = simulated_quote(spec, curved, machines.grant, machines.overheads, samples).to_json()
    sweep = Sweep(spec, NullEventLog(meta), clock=clock, validate_config=validate_config)
    run = runner["simulated"](
        clock=clock, workers=machines.workers, grant=machines.grant, overheads=machines.overheads
    )
    run(sweep, workload, lambda: False)
    sweep.close()
    return _run(sweep, clock)


def _seeded(spec: SweepSpec, seed: int) -> SweepSpec:
    """Return the sweep with another seed, and without the results of earlier sweeps."""
    changed = {"seed": seed, "warm_start": [], "memory": "none"}
    return spec.model_copy(update={"search": spec.search.model_copy(update=changed)})


def _run(sweep: Sweep, clock: VirtualClock) -> Run:
    trials = list(sweep.history.trials.values())
    winner = best_of(sweep.history, sweep.spec.objective.goal)
    best = winner.best(sweep.spec.objective.goal) if winner else None
    return Run(
        best=best.score if best else float("nan"),
        device_hours=sweep.totals.billed / 3600,
        wall_hours=clock.now / 3600,
        trials=len(trials),
        stopped=sum(trial.state is State.STOPPED for trial in trials),
        attempts=sum(len(trial.attempts) for trial in trials),
        completed=sum(trial.state is State.COMPLETED for trial in trials),
        rungs=_rungs(sweep),
        closed=sweep.history.closed,
        enough=sweep.history.enough,
    )


def _rungs(sweep: Sweep) -> dict[float, int]:
    """Return how many trials were judged at each rung or beyond it."""
    highest = Counter(
        max(rungs)
        for trial in sweep.history.trials.values()
        if (rungs := [verdict.rung for _, verdict in trial.verdicts if verdict.rung is not None])
    )
    return {rung: sum(count for level, count in highest.items() if level >= rung) for rung in sorted(highest)}
