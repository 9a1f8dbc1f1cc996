"""A sweep's configurations at the pace that is foreseen for them, and curves that run at it."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from sweeper.cost.learned import PaceModel
from sweeper.errors import SpecError
from sweeper.plan import Plan, drawn
from sweeper.runners import Workload
from sweeper.search.points import configurations, has_points_only
from sweeper.spec import SweepSpec
from sweeper.trial import Config, Report, Trial, canonical, derive
from sweeper.work import Size, size_of

LEARNING_TRIALS = 15
"""Trials within which a search has learned most of what it will."""

Sized = tuple[Config, Size]


def sized(spec: SweepSpec, plan: Plan, count: int) -> list[Sized]:
    """So many configurations that can be built: points where there is nothing else, draws, then corners."""
    if has_points_only(spec):
        return [(config, size_of(config, spec, plan.facts)) for config in configurations(spec)]
    found: dict[str, Sized] = {canonical(s.config): (s.config, s.size) for s in plan.samples}
    for number in range(3 * count):
        if len(found) >= count:
            break
        config = drawn(spec, number)
        if canonical(config) not in found:
            with suppress(SpecError, RuntimeError, ValueError, AssertionError):  # as plan.Refusal
                found[canonical(config)] = (config, size_of(config, spec, plan.facts))
    return [*found.values(), *((corner.config, corner.size) for corner in plan.corners)]


@dataclass(frozen=True)
class Foreseen:
    """Seconds of an epoch by configuration: exact for those of the pool, by regression for all others."""

    pool: tuple[tuple[Config, float], ...]
    model: PaceModel
    scale: float
    exact: Mapping[str, float]

    @classmethod
    def of(cls, spec: SweepSpec, pool: Sequence[tuple[Config, float]]) -> "Foreseen":
        """Learned from the pool, and scaled so that its mean is that of the pool."""
        model = PaceModel(spec.space)
        for config, seconds in pool:
            model.learn(config, seconds)
        mean = statistics.fmean(seconds for _, seconds in pool)
        guessed = [model.seconds_per_epoch(config) for config, _ in pool]
        known = [each for each in guessed if each is not None]
        scale = mean / statistics.fmean(known) if len(known) == len(pool) else 1.0
        return cls(tuple(pool), model, scale, {canonical(config): seconds for config, seconds in pool})

    def __call__(self, config: Config) -> float:
        """Of one epoch."""
        if (known := self.exact.get(canonical(config))) is not None:
            return known
        guessed = self.model.seconds_per_epoch(config)
        if guessed is None:
            return statistics.fmean(seconds for _, seconds in self.pool)
        return guessed * self.scale


@dataclass(frozen=True)
class Paced:
    """Made-up curves at a foreseen pace, which is wrong by a factor for all and by another for each.

    `gain` is what later trials score beyond earlier ones, in the place of a search that learns.
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
        """One report an epoch, until nothing has got better for `patience` of them."""
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
