"""Sweeps replayed on recorded curves: the product's own search, scheduler and sweep on a virtual clock."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from parts.recorded import Recording, read_rows

from sweeper.config.space import Space
from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.plan.simulate import NullEventLog
from sweeper.runners import Workload, runner
from sweeper.runners.parts.recorded_curves import distance
from sweeper.runners.simulated import VirtualClock
from sweeper.search import Searcher, searcher
from sweeper.store.events import Event, Reported
from sweeper.store.history import SweepHistory
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Config, Goal, Report, State, Trial, canonical

WORKERS = 4
Curve = Sequence[Report]


@dataclass(frozen=True)
class Table:
    """Every recorded configuration with its whole curve."""

    spec: SweepSpec
    configs: Sequence[Config]
    curves: Mapping[str, Curve]

    @classmethod
    def read(cls, recording: Recording) -> "Table":
        spec = recording.spec
        curves: dict[str, list[Report]] = {}
        configs: dict[str, Config] = {}
        for row in read_rows(recording.path):
            config = json.loads(str(row["config"]))
            key = canonical(config)
            configs[key] = config
            metrics = {name: float(value) for name, value in row.items() if isinstance(value, float)}
            report = Report(
                int(str(row["epoch"])), metrics[spec.objective.metric], metrics["device_seconds"], metrics
            )
            curves.setdefault(key, []).append(report)
        return cls(spec, list(configs.values()), curves)

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """A workload: the recorded reports behind the trial's checkpoint."""
        for report in self.curves[canonical(trial.config)]:
            if report.epoch > int(trial.checkpoint or 0):
                yield Report(
                    report.epoch, report.score, report.device_seconds, report.metrics, str(report.epoch)
                )

    @property
    def full_cost(self) -> float:
        """Device-seconds of a training in full, the mean."""
        return statistics.fmean(curve[-1].device_seconds for curve in self.curves.values())

    def cost_after(self, epoch: int) -> float:
        """Device-seconds of so many epochs, the mean."""
        return statistics.fmean(curve[epoch - 1].device_seconds for curve in self.curves.values())

    def best(self) -> float:
        return max(report.score for curve in self.curves.values() for report in curve)


class Among:
    """A search whose every proposal is replaced by the nearest recorded configuration not yet run.

    The search is told what was run in truth, so that nothing is made up: neither a score, nor a place.
    """

    def __init__(self, inner: Searcher, space: Space, configs: Sequence[Config]) -> None:
        self._inner, self._space = inner, space
        self._left = {canonical(config): config for config in configs}

    def suggest(self, number: int) -> Config | None:
        wanted = self._inner.suggest(number)
        if wanted is None or not self._left:
            return None
        key = min(self._left, key=lambda key: distance(self._space, wanted, self._left[key]))
        self.register(number, config := self._left[key])
        return config

    def register(self, number: int, config: Config) -> None:
        self._left.pop(canonical(config), None)
        self._inner.register(number, config)

    def on_report(self, number: int, epoch: int, score: float) -> None:
        self._inner.on_report(number, epoch, score)

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        self._inner.on_complete(number, state, score, cost)


_CONFIGS: list[Config] = []


@searcher("recorded")
def recorded(space: Space, goal: Goal, seed: int, *, inner: Mapping[str, object]) -> Among:
    """Any search among the configurations of the table that is compared on at the moment."""
    options = dict(inner)
    return Among(searcher[str(options.pop("algorithm"))](space, goal, seed, **options), space, _CONFIGS)


@dataclass(frozen=True)
class Arm:
    """A search and a scheduler, as a sweep file writes them, and configurations that run first."""

    name: str
    search: Mapping[str, object]
    scheduler: Mapping[str, object]
    points: Sequence[Config] = ()


@dataclass(frozen=True)
class Anytime:
    """Best score so far against device-seconds spent, and how many trials were started."""

    steps: Sequence[tuple[float, float]]
    trials: int
    bests: Sequence[Config] = ()
    """The configuration of each step."""

    def at(self, cost: float) -> float:
        """The best score when so much was spent; 0 before the first report."""
        return max((score for spent, score in self.steps if spent <= cost), default=0.0)

    def best(self, cost: float) -> Config:
        """The best configuration when so much was spent."""
        return self.bests[sum(spent <= cost for spent, _ in self.steps) - 1]

    def area(self, until: float, points: int = 200) -> float:
        """The mean of the best score over the device-seconds spent."""
        return float(np.mean([self.at(until * (step + 1) / points) for step in range(points)]))


def run(
    spec: SweepSpec,
    arm: Arm,
    seed: int,
    budget: float,
    workload: Workload,
    workers: int = WORKERS,
    images: int = 0,
) -> Anytime:
    """One sweep, ended when its trials have spent `budget` device-seconds.

    `images` are those of the validation split, 0 where the scheduler shall not know them.
    """
    search = {**arm.search, "seed": seed}
    if isinstance(workload, Table):
        _CONFIGS[:] = workload.configs
        search = {"algorithm": "recorded", "inner": dict(arm.search), "seed": seed}
    written = spec.resolved()
    written |= {"search": search, "scheduler": dict(arm.scheduler), "budget": {"trials": 5_000}}
    written |= {"points": [dict(point) for point in arm.points]} if arm.points else {}
    written["objective"] |= {"mode": "budget"}
    clock = VirtualClock()
    meta = {"sweep_id": f"{arm.name} {seed}"} | ({"valid_images": f"[{images}]"} if images else {})
    sweep = Sweep(restore_spec(written, name=arm.name), NullEventLog(meta), clock=clock)
    watch = _Watch()
    sweep.listen(watch)
    runner["simulated"](clock=clock, workers=workers)(sweep, workload, lambda: watch.spent >= budget)
    return Anytime(watch.steps, len(sweep.history.trials), watch.bests)


class _Watch:
    """Adds up what the reports cost and keeps each new best."""

    def __init__(self) -> None:
        self.spent = 0.0
        self.steps: list[tuple[float, float]] = []
        self.bests: list[Config] = []
        self._before: dict[str, float] = {}

    def __call__(self, event: Event, history: SweepHistory) -> None:
        if not isinstance(event, Reported):
            return
        report = history.trials[event.trial].reports[-1]
        self.spent += report.device_seconds - self._before.get(event.trial, 0.0)
        self._before[event.trial] = report.device_seconds
        if report.score == report.score and (not self.steps or report.score > self.steps[-1][1]):
            self.steps.append((self.spent, report.score))
            self.bests.append(history.trials[event.trial].config)
