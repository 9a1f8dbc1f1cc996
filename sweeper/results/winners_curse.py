"""This module says what a repeat of the winner would be expected to score: the best of many is partly luck.

The true scores of the configurations are taken for draws from a distribution about which nothing is
assumed. The one that makes the scores likeliest is found first (Kiefer and Wolfowitz, 1956), and the winner's
own score is then drawn towards it (nonparametric empirical Bayes: Koenker and Mizera, JASA 2014).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sweeper.schedulers.parts.noise import LUCK, binomial
from sweeper.sweep.ranking import RankedConfig
from sweeper.trial import Goal

FEWEST = 3
"""Configurations that must have trained as long as the winner: two say nothing about the distribution."""
BEST = 10
"""Configurations whose repeats tell the noise: what is far below may scatter otherwise."""
REACH = 8
"""Standard deviations below the winner down to which the distribution is sought; below nobody is a rival."""
PLACES = 100
"""Places on which the distribution lies, evenly from there up to the winner's score."""
ROUNDS = 300
"""Rounds of expectation and maximization."""


@dataclass(frozen=True, slots=True)
class ExpectedRepeat:
    """The `score` that a repeat of the winner is expected to give, where `among` configurations trained as
    long.

    `noise` is the standard deviation of a single run: by the number of validation `images`, or by repeats,
    whichever is larger. `repeats` are the runs beyond one for each configuration.
    """

    score: float
    among: int
    noise: float
    images: int | None
    repeats: int

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return asdict(self)


def expected_repeat(
    ranked: Sequence[RankedConfig], goal: Goal, images: int | None = None
) -> ExpectedRepeat | None:
    """Return what a repeat of the first would give; None where that cannot be told.

    It cannot where fewer than three trained as long as the first did until its best epoch, or where nobody
    knows the noise: of a loss it shows in repeats alone. `images` are those of the validation split, where
    the score is a share of them.
    """
    if not ranked or ranked[0].is_final:
        return None
    epoch = min(_best_epoch(ranked[0], goal))
    rivals = [each for each in ranked if max(t.last.epoch for t in each.counted if t.last) >= epoch]
    repeats, spread = _spread(ranked[:BEST])
    noise = [max(LUCK * binomial(each.mean, images), spread) for each in rivals]
    if len(rivals) < FEWEST or min(noise) <= 0:
        return None
    scores = np.array([goal.sign * each.mean for each in rivals])
    variances = np.array(noise) / np.array([each.runs for each in rivals])
    score = goal.sign * shrunk(scores, variances)
    return ExpectedRepeat(score, len(rivals), math.sqrt(noise[0]), images, repeats)


def shrunk(scores: np.ndarray, variances: np.ndarray) -> float:
    """Return the expected true score of the first, which is the largest; scores have normal errors."""
    lowest = scores[0] - REACH * math.sqrt(variances[0])
    is_near = scores >= lowest
    places = np.linspace(max(lowest, scores.min()), scores[0], PLACES)
    gaps = (scores[is_near, None] - places) ** 2 / variances[is_near, None]
    likely = np.exp(-0.5 * (gaps - gaps.min(axis=1, keepdims=True)))
    weights = np.full(PLACES, 1 / PLACES)
    for _ in range(ROUNDS):
        shares = likely * weights
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    first = likely[0] * weights
    return float(first @ places / first.sum())


def _best_epoch(standing: RankedConfig, goal: Goal) -> list[int]:
    return [best.epoch for trial in standing.counted if (best := trial.best(goal))]


def _spread(ranked: Sequence[RankedConfig]) -> tuple[int, float]:
    """Return how many runs tell the variance of one configuration's runs, and that variance, pooled."""
    repeated = [each for each in ranked if each.runs > 1]
    freedom = sum(each.runs - 1 for each in repeated)
    squares = sum((each.runs - 1) * statistics.variance(each.scores) for each in repeated)
    return freedom, squares / freedom if freedom else 0.0
