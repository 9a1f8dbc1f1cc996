"""Workloads for simulations: curves of a record that are run again, and workers that get lost."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sweeper.errors import SweeperError
from sweeper.history import TrialHistory
from sweeper.runners import Workload
from sweeper.runners._curves import place
from sweeper.space import Space
from sweeper.trial import Config, Report, Trial, canonical, derive


class Lost(SweeperError, RuntimeError):
    """The simulated worker is gone."""

    failure_kind = "preempted"


@dataclass
class ReplayedCurves:
    """The recorded curve of a configuration, or of the nearest one that was recorded.

    Nearest in the places of its parameters, each from 0 to 1; a parameter that only one of the two has
    counts as one apart. A curve that was cut short ends where it ended.
    """

    space: Space
    recorded: Sequence[TrialHistory]
    _nearest: dict[str, TrialHistory] = field(default_factory=dict[str, TrialHistory])

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """The recorded reports behind the trial's checkpoint."""
        first = int(trial.checkpoint or 0)
        for report in self._like(trial.config).reports:
            if report.epoch > first:
                seconds, metrics = report.device_seconds, report.metrics
                yield Report(report.epoch, report.score, seconds, metrics, str(report.epoch))

    def _like(self, config: Config) -> TrialHistory:
        key = canonical(config)
        if key not in self._nearest:
            self._nearest[key] = min(self.recorded, key=lambda trial: self._distance(config, trial.config))
        return self._nearest[key]

    def _distance(self, one: Config, other: Config) -> float:
        total = 0.0
        for name, parameter in self.space.parameters.items():
            if (name in one) != (name in other):
                total += 1.0
            elif name in one:
                total += (place(parameter, one[name]) - place(parameter, other[name])) ** 2
        return total


@dataclass(frozen=True)
class Faulty:
    """The same workload on workers that are lost at random, so many times per device-hour."""

    workload: Workload
    losses_per_hour: float
    seed: int = 0

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """Raises Lost in place of a report that the worker did not live to give."""
        chance = np.random.default_rng(derive(self.seed, "losses", trial.id, trial.attempt))
        before: float | None = None
        for report in self.workload(trial):
            seconds = report.device_seconds - (before if before is not None else 0.0)
            before = report.device_seconds
            if chance.random() < 1 - math.exp(-self.losses_per_hour * max(0.0, seconds) / 3600):
                raise Lost("the worker was preempted")
            yield report
