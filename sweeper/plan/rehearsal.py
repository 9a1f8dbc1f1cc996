"""This module rehearses a sweep in the simulator, at paces that are in turn too fast and too slow."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sweeper.config.sections import BudgetSpec
from sweeper.config.spec import SweepSpec
from sweeper.cost import Overheads, Pace
from sweeper.cost.cost_estimate import Range
from sweeper.plan.epoch_seconds import Foreseen, Paced
from sweeper.plan.simulate import Machines, Run, simulate
from sweeper.runners.parts.synthetic_curves import SyntheticCurves
from sweeper.search.points import has_points_only
from sweeper.store.attempt import Grant
from sweeper.trial import derive

FEWEST, MOST = 4, 16
"""The number of rehearsals of a quote."""

SCATTER, SCATTER_COUNT = 0.35, 4
"""How much two searches of one space differ in cost; it weighs as much as so many rehearsals."""

_P90 = statistics.NormalDist().inv_cdf(0.9)

BLIND = ("random", "grid", "points")
"""Searches that learn nothing from their trials."""

GAIN = 0.04
"""This stands in for a learning search in a quick quote; its trials cost about as much as TPE's."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work a quote may be.

    Networks sized on the meta device, or layers of them (a millisecond each), trials simulated in all and in
    one sweep, and whether the sweep's own search proposes (chance is ten times as fast as TPE, but dearer or
    cheaper by `unsure`: a search that learns goes where the networks have a price of their own).
    """

    configs: int
    layers: int
    trials: int
    longest: int
    has_own_search: bool
    unsure: float = 0.0


QUICK = Effort(configs=30, layers=450, trials=160, longest=32, has_own_search=False, unsure=0.35)
THOROUGH = Effort(configs=40, layers=1500, trials=320, longest=150, has_own_search=True)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of where the sweep will run, before anything is started.

    `startup` are the seconds until the first trial has a device, `places` how many trials share one because
    they train as one.
    """

    device: str
    is_gpu: bool
    slots: int
    share: float = 1.0
    usd_per_hour: float | None = None
    startup: float = 10.0
    places: int = 1

    def shared_by(self, places: int) -> "Situation":
        """Return the same devices, each with so many trials that train as one."""
        slots, share = self.slots * places, self.share / places
        return replace(self, slots=slots, share=share, places=places)


@dataclass(frozen=True, slots=True)
class RehearsalResult:
    """How one rehearsal ended, with the trials that were left out of it added in proportion.

    With `is_cut` a limit ended the sweep before it had all its trials, with `is_enough` `stop_when` did.
    Everything took `luck` times as long as foreseen.
    """

    luck: float
    device_hours: float
    wall_hours: float
    trials: float
    completed: float
    rungs: Mapping[float, float]
    is_cut: bool
    is_enough: bool = False


@dataclass(frozen=True)
class Rehearsal:
    """A sweep, where it runs, and how fast its configurations train there."""

    spec: SweepSpec
    where: Situation
    overheads: Overheads
    foreseen: Foreseen
    pace: Pace
    effort: Effort

    @property
    def wanted(self) -> int | None:
        """How many trials the file asks for, without the final.

        None for as many as the budget has room for.
        """
        spec = self.spec
        if has_points_only(spec):
            size: int | None = len(spec.points)
        else:
            size = spec.space.size
        counts = [each for each in (spec.budget.trials, size and size * spec.search.repeats) if each]
        return min(counts, default=None)

    @cached_property
    def limit_hours(self) -> float:
        """The device-hours that the budget allows; infinite where it sets no such limit."""
        budget, where = self.spec.budget, self.where
        limits = [budget.gpu_hours or math.inf]
        if budget.usd and where.usd_per_hour:
            limits.append(budget.usd / where.usd_per_hour)
        if budget.wall_hours:
            limits.append(budget.wall_hours * where.slots * where.share)
        return min(limits)

    def outcomes(self) -> list[RehearsalResult]:
        """Rehearse the sweep with its own budget."""
        return [self._outcome(number, total, self.spec.budget) for number, total in self._numbers()]

    def unlimited(self) -> list[RehearsalResult]:
        """Rehearse the sweep with its trials as the only limit, to see what all of them would take."""
        budget = BudgetSpec(trials=self.spec.budget.trials, max_failed=self.spec.budget.max_failed)
        return [self._outcome(number, total, budget) for number, total in self._numbers(FEWEST)]

    def _numbers(self, most: int = MOST) -> list[tuple[int, int]]:
        total = min(most, max(FEWEST, self.effort.trials // self.length))
        return [(number, total) for number in range(total)]

    @property
    def length(self) -> int:
        """How many trials one rehearsal has."""
        longest = self.effort.longest
        if self._has_stand_in:
            longest = min(longest, len(self.foreseen.pool) * self.spec.search.repeats)
        return min(self.wanted or longest, longest)

    def _outcome(self, number: int, total: int, budget: BudgetSpec) -> RehearsalResult:
        most = self.length
        seed = derive(self.spec.search.seed, "rehearsal", number) % 2**31
        luck = math.exp(self._unsure * statistics.NormalDist().inv_cdf((number + 0.5) / total))
        spec = self._rehearsed(budget.model_copy(update={"trials": most}), seed)
        made_up = SyntheticCurves(spec.space, spec.train.epochs, spec.objective.metric, seed)
        curves = Paced(
            curves=made_up,
            seed=seed,
            seconds=self.foreseen,
            share=self.where.share,
            common=luck,
            single=self.pace.single,
            patience=spec.train.patience,
            is_minimized=spec.objective.goal == "minimize",
            gain=GAIN if self._is_simplified else 0.0,
        )
        run = simulate(spec, self._machines(), seed=seed, curves=curves, samples=self.foreseen.all)
        return self._extrapolated(run, most, budget, luck)

    def factor(self, quantile: float) -> float:
        """Return a factor for all durations: this share of cases takes less time than that."""
        return math.exp(self.pace.common * statistics.NormalDist().inv_cdf(quantile))

    @property
    def _unsure(self) -> float:
        """Standard deviation of the logarithm of the luck: of the pace, and of a search that is left out."""
        return math.hypot(self.pace.common, self.effort.unsure if self._is_simplified else 0.0)

    def range_of(
        self, outcomes: Sequence[RehearsalResult], figure: Callable[[RehearsalResult], float]
    ) -> Range:
        """Quantiles of hours: log-normal, which a few rehearsals tell better than their own order does.

        Of a sweep that its budget cuts short, the order: nothing lies beyond the limit.
        """
        if any(each.is_cut for each in outcomes) or self.wanted is None:
            return Range.of([figure(each) for each in outcomes])
        logs = [math.log(max(figure(each), 1e-12) / each.luck) for each in outcomes]
        middle, count = statistics.fmean(logs), len(logs)
        scatter = sum((each - middle) ** 2 for each in logs) + SCATTER**2 * SCATTER_COUNT
        sigma = math.hypot(self._unsure, math.sqrt(scatter / (count - 1 + SCATTER_COUNT)))
        low, high = (math.exp(middle + sign * _P90 * sigma) for sign in (-1, 1))
        return Range(low, math.exp(middle), high)

    @property
    def _has_stand_in(self) -> bool:
        """Whether random configurations stand in for what the sweep's own search would propose."""
        return not self.effort.has_own_search and not has_points_only(self.spec)

    @property
    def _is_simplified(self) -> bool:
        """Whether the search that the pool stands in for would have learned."""
        return self._has_stand_in and self.spec.search.algorithm not in BLIND

    def full_hours(self, seconds_per_epoch: float) -> float:
        """Return the device-hours of a trial that is trained in full."""
        beside = self.overheads
        seconds = self.spec.train.epochs * (seconds_per_epoch + beside.epoch) + beside.attempt
        return seconds * self.where.share / 3600

    def _rehearsed(self, budget: BudgetSpec, seed: int) -> SweepSpec:
        """Rehearse with another budget; the shuffled pool stands in for a search that takes long to think."""
        changed: dict[str, object] = {"budget": budget}
        if self._has_stand_in:
            order = np.random.default_rng(derive(seed, "pool")).permutation(len(self.foreseen.pool))
            pool = [dict(self.foreseen.pool[place][0]) for place in order]
            changed["points"] = [*self.spec.search.members, *pool]
            search = {"algorithm": "points", "repeats": self.spec.search.repeats}
            changed["search"] = type(self.spec.search).model_validate(search)
        return self.spec.model_copy(update=changed)

    def _machines(self) -> Machines:
        where = self.where
        grant = Grant("simulated", where.device, where.is_gpu, where.share, where.usd_per_hour)
        return Machines(workers=where.slots, grant=grant, overheads=self.overheads)

    def _extrapolated(self, run: Run, most: int, budget: BudgetSpec, luck: float) -> RehearsalResult:
        wanted = math.inf if self.wanted is None else self.wanted
        is_whole = run.trials < most or run.closed == "budget" or bool(run.enough)
        more = 1.0 if is_whole or run.trials == 0 else wanted / most
        is_limited = any((budget.gpu_hours, budget.usd, budget.wall_hours)) and self.limit_hours < math.inf
        is_cut = is_whole and is_limited and not run.enough
        if is_limited and run.device_hours * more > self.limit_hours:
            more, is_cut = max(1.0, self.limit_hours / max(run.device_hours, 1e-12)), self.wanted is not None
        startup = self.where.startup / 3600
        return RehearsalResult(
            luck=luck,
            device_hours=run.device_hours * more,
            wall_hours=run.wall_hours * more + startup,
            trials=run.trials * more,
            completed=run.completed * more,
            rungs={level: count * more for level, count in run.rungs.items()},
            is_cut=is_cut and self.wanted is not None,
            is_enough=bool(run.enough),
        )


def typical_rungs(outcomes: list[RehearsalResult]) -> dict[str, float]:
    """Return the median number of trials at each rung that most rehearsals reached."""
    levels = sorted({level for each in outcomes for level in each.rungs})
    counts = {level: statistics.median(each.rungs.get(level, 0.0) for each in outcomes) for level in levels}
    return {f"{level:g}": count for level, count in counts.items() if count}
