"""A sweep on a virtual clock, many times: what its settings would cost and find, with intervals."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sweeper.record import Record
from sweeper.runners import Workload, runner
from sweeper.runners._curves import SyntheticCurves
from sweeper.runners._replay import Faulty
from sweeper.runners.simulated import VirtualClock
from sweeper.spec import SweepSpec
from sweeper.sweep import Sweep
from sweeper.trial import State
from sweeper.view import best_of


@dataclass(frozen=True, slots=True)
class Run:
    """One simulated sweep. Hours are virtual; `attempts` counts the lost ones too."""

    best: float
    device_hours: float
    wall_hours: float
    trials: int
    stopped: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean over seeds, and half the width of its 95 % interval (normal), 0 for a single seed."""

    mean: float
    half_width: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Of the values of several seeds."""
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        return cls(statistics.fmean(values), 1.96 * spread / len(values) ** 0.5)


def simulate(
    spec: SweepSpec, *, workers: int, seed: int, curves: Workload | None = None, losses_per_hour: float = 0.0
) -> Run:
    """Run the sweep's own search, scheduler and budget against curves; trains nothing.

    `seed` replaces the search's, and shapes made-up curves. `losses_per_hour` takes workers away, per
    device-hour.
    """
    spec = spec.model_copy(update={"search": spec.search.model_copy(update={"seed": seed})})
    made_up = SyntheticCurves(spec.space, spec.train.epochs, spec.objective.metric, seed)
    workload: Workload = curves or made_up
    if losses_per_hour:
        workload = Faulty(workload, losses_per_hour, seed)
    clock = VirtualClock()
    sweep = Sweep(spec, Record.in_memory({"sweep_id": f"simulated-{seed}"}), clock=clock)
    runner["simulated"](clock=clock, workers=workers)(sweep, workload, lambda: False)
    sweep.close()
    return _run(sweep, clock)


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
    )
