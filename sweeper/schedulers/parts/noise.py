"""What chance alone does to an accuracy that was measured on so many images."""

import math

CERTAIN = 1.96
"""Standard deviations of a normal 95 % interval."""
LUCK = 0.5
"""The share of the binomial variance that counts as noise of a run. All are validated on the same images, of
which some are easy for every network: with the whole of it a winner is shrunk too far (docs/search.md)."""


def binomial(score: float, images: int | None) -> float:
    """The variance of a score over so many images; 0 where they are unknown, or the score is no share of
    them.

    Two hits and two misses are added (Agresti and Coull, 1998): all of 300 right is not right for certain.
    """
    if not images or not 0 <= score <= 1:
        return 0.0
    share = (score * images + 2) / (images + 4)
    return share * (1 - share) / (images + 4)


def told_apart(best: float, images: int) -> float:
    """The score below which another can be told from the best, at 95 %: the difference has both variances."""
    return best - CERTAIN * math.sqrt(2 * binomial(best, images))
