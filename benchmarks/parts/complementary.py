"""Configurations that complement each other over several data sets, and what they are worth on one more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sweeper.search.parts.complementing import WORST, Array, complementing, regrets_of


@dataclass(frozen=True)
class Ground:
    """What every candidate came to on one data set, in the same order on all: best score, CPU-seconds."""

    scores: Array
    seconds: Array

    @property
    def regrets(self) -> Array:
        """How far each is from the best, in what the median is."""
        return regrets_of(self.scores)

    @property
    def costs(self) -> Array:
        """Seconds in mean trainings."""
        return self.seconds / self.seconds.mean()


def portfolio(grounds: Sequence[Ground], size: int, first: Sequence[int] = ()) -> list[int]:
    """The candidates chosen on these sets, which count alike, behind those of `first`."""
    regrets = np.stack([ground.regrets for ground in grounds], axis=1)
    return complementing(regrets, np.mean([ground.costs for ground in grounds], axis=0), size, first)


def left_out(
    grounds: Mapping[str, Ground],
    families: Mapping[str, str],
    name: str,
    size: int,
    first: Sequence[int] = (),
) -> list[int]:
    """Those chosen on the sets that share no images with this one."""
    others = [ground for each, ground in grounds.items() if families[each] != families[name]]
    return portfolio(others, size, first)


def regret_after(ground: Ground, order: Sequence[int], spent: float) -> float:
    """The least regret of the trainings that end within so many mean trainings, one after the other."""
    order = np.asarray(order)
    ended = order[np.cumsum(ground.costs[order]) <= spent]
    return float(min(ground.regrets[ended].min(initial=WORST), WORST))


def regret_at_random(
    ground: Ground, spent: float, first: Sequence[int] = (), draws: int = 500, seed: int = 0
) -> float:
    """The same when every candidate runs once in random order behind the first; the mean of draws."""
    random, rest = np.random.default_rng(seed), np.setdiff1d(np.arange(len(ground.scores)), first)
    orders = ([*first, *random.permutation(rest)] for _ in range(draws))
    return float(np.mean([regret_after(ground, order, spent) for order in orders]))
