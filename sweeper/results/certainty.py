"""This module says how sure the first rank is: from repeated runs, because a single run shows no spread.

However alike the runs, an accuracy is never surer than its images allow: the variance of a run is at least
the binomial one of the validation split (`sweeper.schedulers.parts.noise`).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from sweeper.config.sections import FinalSpec
from sweeper.schedulers.parts.noise import CERTAIN, binomial
from sweeper.store.history import SweepHistory
from sweeper.sweep.race import outraced
from sweeper.sweep.ranking import RankedConfig
from sweeper.trial import Goal, canonical, derive

DRAWS = 10_000
RIVALS = 10
"""Configurations that share one spread: the best ones; what is far below would only widen it."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """The probability that the first has the highest true mean `among` so many repeated configurations.

    `fewest` and `most` are the runs of one of them. `ahead` is the first's lead over the second, in means.
    """

    probability: float
    among: int
    fewest: int
    most: int
    ahead: float

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {
            "probability": self.probability,
            "among": self.among,
            "runs": [self.fewest, self.most],
            "ahead": self.ahead,
        }


def half_width(scores: Sequence[float], images: int | None = None) -> float | None:
    """Return half of the 95 % t-interval of the scores' mean, and no less than its binomial one; None for a
    single score. `images` are those of the validation split, where the score is a share of them."""
    if len(scores) < 2:
        return None
    quantile = float(special.stdtrit(len(scores) - 1, 0.975))
    least = CERTAIN * math.sqrt(binomial(statistics.fmean(scores), images) / len(scores))
    return max(least, quantile * statistics.stdev(scores) / math.sqrt(len(scores)))


def certainty(
    ranked: Sequence[RankedConfig], goal: Goal, seed: int = 0, images: int | None = None
) -> Certainty | None:
    """Return how sure the first rank is; None where the first, or everything else, was run only once.

    The posterior of the means (flat prior, one spread for all, so that three runs each suffice) is drawn from
    10,000 times. The probability is the share of draws that the first wins, with ties divided. Where there
    are final runs only their configurations compete: a search's single best is lucky by choice. `images` as
    in `half_width`.
    """
    if not ranked or ranked[0].runs < 2:
        return None
    rivals = [s for s in ranked if s.runs > 1 and s.is_final == ranked[0].is_final][:RIVALS]
    if len(rivals) < 2:
        return None
    sign = goal.sign
    means = np.array([sign * rival.mean for rival in rivals])
    runs = np.array([rival.runs for rival in rivals])
    freedom = int(runs.sum()) - len(rivals)
    squares = sum((rival.runs - 1) * statistics.variance(rival.scores) for rival in rivals)
    random = np.random.default_rng(derive(seed, "certainty"))
    least = np.array([binomial(rival.mean, images) for rival in rivals])
    variance = np.maximum(squares / random.chisquare(freedom, size=(DRAWS, 1)), least)
    drawn = means + random.standard_normal((DRAWS, len(rivals))) * np.sqrt(variance / runs)
    wins = drawn == drawn.max(axis=1, keepdims=True)
    probability = float((wins[:, 0] / wins.sum(axis=1)).mean())
    return Certainty(probability, len(rivals), int(runs.min()), int(runs.max()), float(means[0] - means[1]))


def without_further_seeds(
    history: SweepHistory,
    ranked: Sequence[RankedConfig],
    final: FinalSpec | None,
    goal: Goal,
    images: int | None,
) -> int:
    """Return how many finalists got no more of the final's seeds, because they were clearly behind."""
    if final is None or not final.race:
        return 0
    out = outraced(history, goal, images or 0)
    return sum(each.runs < final.seeds and canonical(each.config) in out for each in ranked)
