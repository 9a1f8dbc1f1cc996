"""The leaderboard has the configurations of a sweep as rows, best first, and its single trials."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from sweeper.config.objective_section import ObjectiveSpec
from sweeper.results.certainty import half_width
from sweeper.results.costs import Bill, bill
from sweeper.results.pareto import Point, best_within
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import Totals, totals
from sweeper.sweep.chance import chance_level, images_per_class
from sweeper.sweep.ranking import RankedConfig, ranked_configs
from sweeper.trial import Config, Goal, Report, State
from sweeper.wording import HOUR, Cost, in_unit, is_accuracy

Measure = Callable[[Config], int]
"""The parameters of a configuration's network."""


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One configuration, or one trial. `rank` is None without a finite score.

    `number`, `epoch` of `epochs`, `metrics` and `own_score` are those of its best trial, at that trial's
    best epoch. `score` is the mean over `runs` of its trials, `half_width` half the 95 % interval of that
    mean; costs are billed, over all attempts, for one run: the mean where there are several.
    """

    rank: int | None
    id: str
    number: int
    score: float | None
    epoch: int
    epochs: int
    device_seconds: float
    usd: float | None
    state: State
    config: Config
    metrics: Mapping[str, float]
    point: str | None = None
    repeat: int = 0
    test: Mapping[str, float] | None = None
    own_score: float | None = None
    half_width: float | None = None
    runs: int = 1
    is_final: bool = False
    trials: tuple[int, ...] = ()

    @property
    def gpu_hours(self) -> float:
        """Billed device-hours; those of CPU slots where the sweep had no GPU."""
        return self.device_seconds / HOUR

    def cost(self, unit: Cost) -> float:
        """Return the row's cost in the sweep's unit; it is not finite where no price is known."""
        return in_unit(unit, self.device_seconds, self.usd)

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON, `gpu_hours` included; a metric that is not finite is None."""
        metrics = {name: value if math.isfinite(value) else None for name, value in self.metrics.items()}
        return {**asdict(self), "metrics": metrics, "state": str(self.state), "gpu_hours": self.gpu_hours}


@dataclass(frozen=True)
class Leaderboard:
    """The ranking that all cards of one sweep start from, computed once.

    `measure` counts the parameters of points with published figures; without it they stay unknown. With a
    `budget`, in the sweep's own unit of cost, `rows` and `best` have only what costs no more for one run.
    With `is_single` the `rows` are trials instead of configurations.
    """

    sweep: StoredSweep
    measure: Measure | None = None
    budget: float | None = None
    is_single: bool = False

    @property
    def objective(self) -> ObjectiveSpec:
        """What the sweep file ranks by."""
        return self.sweep.spec.objective

    @cached_property
    def ranked(self) -> list[RankedConfig]:
        """Every configuration with a score, the best first."""
        return ranked_configs(self.sweep.history, self.objective.goal)

    @property
    def images(self) -> int | None:
        """The images whose number bounds how sure a score can be: none that is known for a loss."""
        return self.sweep.valid_count if is_accuracy(self.objective.metric) else None

    @cached_property
    def trials(self) -> list[LeaderboardRow]:
        """Every single trial."""
        return trial_rows(self.sweep.history, self.objective.goal)

    @cached_property
    def configurations(self) -> list[LeaderboardRow]:
        """Every configuration, whatever it cost."""
        return configuration_rows(self.ranked, self.trials, self.images)

    @cached_property
    def rows(self) -> list[LeaderboardRow]:
        """What is ranked: those within the budget."""
        rows = self.trials if self.is_single else self.configurations
        return [row for row in rows if self.budget is None or row.cost(self.cost) <= self.budget]

    @cached_property
    def by_number(self) -> Mapping[int, LeaderboardRow]:
        """Every configuration by the number of its best trial."""
        return {row.number: row for row in self.configurations}

    @cached_property
    def sums(self) -> Totals:
        """What all trials together cost."""
        return totals(self.sweep.history)

    @cached_property
    def bill(self) -> Bill:
        """What was paid for what."""
        return bill(self.sweep.history, self.sweep.spec, images=self.images_by_class)

    @cached_property
    def cost(self) -> Cost:
        """What the sweep file counts cost in; device-hours for money where no price is known."""
        cost = self.objective.cost
        return cost if cost != "usd" or self.sums.usd else "gpu_hours"

    @cached_property
    def points(self) -> list[Point]:
        """Every configuration that has a score and a known cost."""
        return points(self.configurations, self.objective.goal, self.cost)

    @property
    def images_by_class(self) -> Sequence[int] | None:
        """Validation images by class; None for a record that does not tell the classes."""
        return images_per_class(self.sweep.meta)

    @property
    def chance(self) -> float | None:
        """The score of guessing; None for a metric that has none."""
        return chance_level(self.objective.metric, self.images_by_class)

    @property
    def has_gpu(self) -> bool:
        """Whether device time is that of GPUs, and not of CPU slots."""
        return self.sums.gpu_billed > 0

    @cached_property
    def best(self) -> LeaderboardRow | None:
        """The first configuration, or the best that is within the budget; None before there is a score."""
        if self.budget is not None:
            found = best_within(self.points, self.budget)
            return self.by_number[found.number] if found else None
        rows = self.configurations
        return rows[0] if rows and rows[0].rank == 1 else None

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The parameters that tell its configurations apart."""
        return varied(self.configurations)


def configuration_rows(
    ranked: Sequence[RankedConfig], singles: Sequence[LeaderboardRow], images: int | None = None
) -> list[LeaderboardRow]:
    """Return every configuration in the order of `ranked`, then the trials of those without a score.

    `images` is what `half_width` takes.
    """
    if all(len(standing.trials) == 1 for standing in ranked):
        return list(singles)
    by_number = {row.number: row for row in singles}
    made = [_standing_row(rank, standing, by_number, images) for rank, standing in enumerate(ranked, 1)]
    seen = {number for row in made for number in row.trials}
    return made + [row for row in singles if row.number not in seen]


def trial_rows(history: SweepHistory, goal: Goal) -> list[LeaderboardRow]:
    """Return every trial, best first.

    Of equal ones the cheaper first, and at the end those without a score.
    """
    sign = goal.sign
    bests = [(trial, trial.best(goal)) for trial in history.trials.values()]
    scored = [(-sign * best.score, t.device_seconds, t.number, t, best) for t, best in bests if best]
    rows = [_row(rank, trial, best) for rank, (*_, trial, best) in enumerate(sorted(scored), 1)]
    others = sorted((trial for trial, best in bests if best is None), key=lambda trial: trial.number)
    return rows + [_row(None, trial, None) for trial in others]


def points(rows: Iterable[LeaderboardRow], goal: Goal, cost: Cost) -> list[Point]:
    """Return the scored rows as points, a loss negated; rows without a price are left out."""
    sign = goal.sign
    made = [Point(row.number, sign * row.score, row.cost(cost)) for row in rows if row.score is not None]
    return [point for point in made if math.isfinite(point.cost)]


def varied(rows: Sequence[LeaderboardRow]) -> tuple[str, ...]:
    """Return the parameters that differ between trials, in the order of their first appearance."""
    names = dict.fromkeys(name for row in rows for name in row.config)
    return tuple(name for name in names if len({repr(row.config.get(name)) for row in rows}) > 1)


def _standing_row(
    rank: int, standing: RankedConfig, by_number: Mapping[int, LeaderboardRow], images: int | None
) -> LeaderboardRow:
    rows = [by_number[trial.number] for trial in standing.trials]
    best = min((row for row in rows if row.rank is not None), key=lambda row: row.rank or 0)
    if len(rows) == 1:
        return replace(best, rank=rank)
    prices = [trial.usd for trial in standing.counted]
    known = [price for price in prices if price is not None]
    return replace(
        best,
        rank=rank,
        score=standing.mean,
        half_width=half_width(standing.scores, images),
        runs=standing.runs,
        is_final=standing.is_final,
        device_seconds=sum(trial.device_seconds for trial in standing.counted) / standing.runs,
        usd=sum(known) / len(known) if len(known) == len(prices) else None,
        trials=tuple(row.number for row in rows),
    )


def _row(rank: int | None, trial: TrialHistory, best: Report | None) -> LeaderboardRow:
    score = best.score if best else None
    return LeaderboardRow(
        rank=rank,
        id=trial.id,
        number=trial.number,
        score=score,
        epoch=best.epoch if best else 0,
        epochs=trial.last.epoch if trial.last else 0,
        device_seconds=trial.device_seconds,
        usd=trial.usd if trial.attempts else None,
        state=trial.state,
        config=dict(trial.config),
        metrics=dict(best.metrics) if best else {},
        point=trial.point,
        repeat=trial.repeat,
        test=dict(trial.test) if trial.test else None,
        own_score=score,
        is_final=trial.is_final_run,
        trials=(trial.number,),
    )
