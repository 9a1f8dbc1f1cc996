"""Configurations that complement each other: each is chosen for what the ones before it leave open."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

WORST = 1.5
"""The regret before anything is trained; 1 is the median configuration's, 0 the best one's."""


def regrets_of(scores: Array) -> Array:
    """How far each score (larger is better) of one set is from its best, in what the median is."""
    best = scores.max()
    return (best - scores) / max(float(best - np.median(scores)), 1e-9)


def complementing(regrets: Array, costs: Array, size: int, first: Sequence[int] = ()) -> list[int]:
    """Return the places of so many candidates, greedily.

    Each is the candidate that lowers the mean regret most for its cost. `regrets` is [candidates, sets],
    `costs` [candidates]. Those of `first` are chosen already. Who adds nothing any more is followed by the
    best of the rest on average, so that there are always `size` where there are candidates enough.
    """
    places = list(first)
    best = np.minimum(WORST, regrets[places].min(axis=0, initial=WORST))
    while len(places) < min(size, len(regrets)):
        gains = (best - np.minimum(regrets, best)).mean(axis=1) / costs
        if gains.max() <= 0:
            gains = -regrets.mean(axis=1)
        gains[places] = -np.inf
        places.append(int(gains.argmax()))
        best = np.minimum(best, regrets[places[-1]])
    return places
