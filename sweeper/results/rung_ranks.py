"""What a trial's rank at a rung says about its rank at the end, among the trials that got there."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from sweeper.results.stored_sweep import StoredSweep
from sweeper.schedulers import scheduler
from sweeper.schedulers.parts.ladder import ladder_of
from sweeper.store.history import TrialHistory
from sweeper.trial import Goal, derive

FEWEST = 6
"""Trials with both ranks below which nothing is said."""
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class RungRank:
    """Spearman's correlation of scores at a rung with the best scores, over `trials` that were not stopped.

    `low` and `high` bound it in 9 of 10 resamples. Those that the rung stopped are missing, which makes it
    smaller than it would be over all.
    """

    level: float
    resource: str
    trials: int
    correlation: float
    low: float
    high: float

    @property
    def says_little(self) -> bool:
        """Whether the rank at the end is surely not half determined by the rank here."""
        return self.high < 0.5

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return asdict(self)


def rung_ranks(sweep: StoredSweep) -> list[RungRank]:
    """Return a correlation for each rung that at least six trials passed and trained beyond."""
    full = [t for t in sweep.history.trials.values() if not t.is_final_run and _is_full(t, sweep)]
    goal = sweep.spec.objective.goal
    found: list[RungRank] = []
    for resource, level in rungs_of(sweep):
        pairs = [pair for trial in full if (pair := _pair(trial, resource, level, goal)) is not None]
        if len(pairs) >= FEWEST and len({end for _, end in pairs}) > 1 and len({at for at, _ in pairs}) > 1:
            found.append(_ranked(resource, level, pairs, derive(sweep.spec.search.seed, "rungs") % 2**32))
    return found


def _ranked(resource: str, level: float, pairs: Sequence[tuple[float, float]], seed: int) -> RungRank:
    table = np.array(pairs)
    random = np.random.default_rng(seed)
    drawn = [_correlation(table[random.integers(len(table), size=len(table))]) for _ in range(_RESAMPLES)]
    low, high = np.nanquantile(drawn, [0.05, 0.95])
    return RungRank(level, resource, len(pairs), _correlation(table), float(low), float(high))


def _correlation(table: np.ndarray) -> float:
    """Spearman's rank correlation; NaN where a resample has one value alone."""
    ranks = stats.rankdata(table, axis=0)
    spread = ranks.std(axis=0)
    if not spread.all():
        return math.nan
    return float(np.corrcoef(ranks.T)[0, 1])


def _is_full(trial: TrialHistory, sweep: StoredSweep) -> bool:
    return trial.last is not None and trial.last.epoch >= sweep.spec.train.epochs


def _pair(trial: TrialHistory, resource: str, level: float, goal: Goal) -> tuple[float, float] | None:
    amounts = [r.epoch if resource == "epoch" else r.device_seconds for r in trial.reports]
    at = next((n for n, amount in enumerate(amounts) if amount >= level), None)
    best = trial.best(goal)
    if at is None or best is None or at >= len(amounts) - 1 or not math.isfinite(trial.reports[at].score):
        return None
    return goal.sign * trial.reports[at].score, goal.sign * best.score


def rungs_of(sweep: StoredSweep) -> Iterator[tuple[str, float]]:
    """Yield resource and level of each rung of the lowest bracket."""
    spec = sweep.spec
    ladder = scheduler[spec.scheduler.type](spec.objective.goal, spec.train.epochs, **spec.scheduler.options)
    yield from ((rung.resource, rung.level) for rung in ladder_of(ladder))
