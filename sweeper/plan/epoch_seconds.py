"""This module foresees each configuration's seconds of an epoch, and makes curves that run at that pace."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from sweeper.config.space import Space
from sweeper.config.spec import SweepSpec
from sweeper.cost import Pace
from sweeper.cost.learned import PaceModel
from sweeper.errors import SpecError
from sweeper.plan.check_spec import drawn
from sweeper.plan.network_cost import NetworkCost, size_of
from sweeper.plan.plan import Plan
from sweeper.runners import Workload
from sweeper.search.points import configurations, has_points_only
from sweeper.trial import Config, Report, Trial, canonical, derive

LEARNING_TRIALS = 15
"""The number of trials in which a search has learned most of what it will learn."""

MOST_LAYERS = 5_000

Sized = tuple[Config, NetworkCost]
Timed = tuple[Config, float]
CANNOT = (SpecError, RuntimeError, ValueError, AssertionError)
"""What torch raises for a network that cannot be built (see recipe.check_buildable)."""


def sized(spec: SweepSpec, plan: Plan, count: int, layers: int) -> list[Sized]:
    """Yield up to so many configurations that can be built, or so many layers: points alone, else draws."""
    if has_points_only(spec):
        return [(config, size_of(config, spec, plan.facts)) for config in configurations(spec)]
    found: dict[str, Sized] = {canonical(s.config): (s.config, s.size) for s in plan.samples}
    for number in range(3 * count):
        if len(found) >= count or sum(len(size.layers) for _, size in found.values()) > layers:
            break
        config = drawn(spec, number)
        if canonical(config) not in found:
            with suppress(*CANNOT):
                found[canonical(config)] = (config, size_of(config, spec, plan.facts))
    return list(found.values())


class Foreseen:
    """The seconds of an epoch by configuration.

    Each network is sized once, which takes a millisecond a layer. After `MOST_LAYERS` layers a regression
    over the known networks answers instead. `pool` are draws from the space, and `corners` extremes of it.
    """

    def __init__(
        self,
        space: Space,
        pool: Sequence[Timed],
        size: Callable[[Config], NetworkCost],
        pace: Pace,
        corners: Sequence[Timed] = (),
    ) -> None:
        self.pool = tuple(pool)
        self.all = (*pool, *corners)
        self._size, self._pace, self._model = size, pace, PaceModel(space)
        self._known: dict[str, float] = {}
        self._layers = 0
        for config, seconds in pool:
            self._learn(config, seconds)
        self._mean = statistics.fmean(seconds for _, seconds in pool)

    def __call__(self, config: Config) -> float:
        """Return the seconds of one epoch.

        The pool's mean for a network that cannot be built, which is skipped.
        """
        key = canonical(config)
        if key not in self._known:
            if self._layers >= MOST_LAYERS:
                return self.typical(config)
            self._known[key] = self._mean
            with suppress(*CANNOT):
                size = self._size(config)
                self._layers += len(size.layers)
                self._learn(config, self._pace.seconds(size.work))
        return self._known[key]

    def typical(self, config: Config) -> float:
        """Return the regression's estimate, in which one parameter's effect is free of the others'."""
        return self._model.seconds_per_epoch(config) or self._mean

    def _learn(self, config: Config, seconds: float) -> None:
        self._known[canonical(config)] = seconds
        self._model.learn(config, seconds)


@dataclass(frozen=True)
class Paced:
    """Made-up curves at a foreseen pace, which is wrong by one factor for all and by another for each.

    `gain` is what later trials score beyond earlier ones; it stands for a search that learns.
    """

    curves: Workload
    seed: int
    seconds: Callable[[Config], float]
    share: float
    common: float
    single: float
    patience: int | None
    is_minimized: bool
    gain: float = 0.0

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """Yield a report for each epoch, until nothing has got better for `patience` of them."""
        luck = np.random.default_rng(derive(self.seed, "pace", canonical(trial.config)))
        factor = self.common * math.exp(self.single * luck.standard_normal() - self.single**2 / 2)
        epoch_seconds = self.seconds(trial.config) * factor * self.share
        best, since = -math.inf, 0
        for report in self.curves(trial):
            best, since = (report.score, 0) if report.score > best else (best, since + 1)
            score = report.score + self.gain * (1 - math.exp(-trial.number / LEARNING_TRIALS))
            score = 1.0 - score if self.is_minimized else score
            yield replace(report, score=score, device_seconds=epoch_seconds * report.epoch, metrics={})
            if self.patience is not None and since >= self.patience:
                return
