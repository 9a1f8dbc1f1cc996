"""How much a score on the way says about that at the end, over configurations, with bootstrap intervals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

Array = np.ndarray
DRAWS = 1_000
KEPT = 1 / 3
"""The share that goes on from a rung."""


@dataclass(frozen=True)
class Estimate:
    """A figure of all configurations, and 95 % of what resampled ones give."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        return f"{100 * self.value:.1f} ({100 * self.low:.1f} to {100 * self.high:.1f})"

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def spearman(rung: Array, final: Array) -> float:
    """Rank correlation; 0 where every score of a side is the same, so that nothing is said."""
    if np.ptp(rung) == 0 or np.ptp(final) == 0:
        return 0.0
    return float(np.corrcoef(stats.rankdata(rung), stats.rankdata(final))[0, 1])


def kendall(rung: Array, final: Array) -> float:
    """Agreeing pairs less disagreeing ones, as a share (tau-b); 0 where a side does not differ."""
    if np.ptp(rung) == 0 or np.ptp(final) == 0:
        return 0.0
    return float(stats.kendalltau(rung, final).statistic)


def regret(rung: Array, final: Array) -> float:
    """What the best at the end is ahead of the best among the third that is best at the rung."""
    kept = np.argsort(-rung, kind="stable")[: max(1, round(KEPT * len(rung)))]
    return float(final.max() - final[kept].max())


FIGURES: Mapping[str, Callable[[Array, Array], float]] = {
    "spearman": spearman,
    "kendall": kendall,
    "regret": regret,
}


def estimate(figure: Callable[[Array], float], count: int, seed: int = 0) -> Estimate:
    """A figure of rows, for all and for resamples; equal seeds draw equal rows, so arms are paired."""
    random = np.random.default_rng(seed)
    drawn = [figure(random.integers(count, size=count)) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(figure(np.arange(count)), float(low), float(high))


def of_rung(name: str, rung: Array, final: Array) -> Estimate:
    """One of FIGURES for the scores of the same configurations at a rung and at the end."""
    return estimate(lambda rows: FIGURES[name](rung[rows], final[rows]), len(final))


def beside(name: str, ours: tuple[Array, Array], theirs: tuple[Array, Array]) -> Estimate:
    """How much more one of FIGURES is for one arm than for another, of the same configurations."""
    return estimate(
        lambda rows: (
            FIGURES[name](*(each[rows] for each in ours)) - FIGURES[name](*(each[rows] for each in theirs))
        ),
        len(ours[0]),
    )
