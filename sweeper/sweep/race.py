"""This module tells which finalists need no further seed: those behind the first by more than luck."""

import math
import statistics
from collections.abc import Mapping, Sequence

from sweeper.schedulers.parts.noise import LUCK, binomial
from sweeper.store.history import SweepHistory
from sweeper.trial import Goal, State, canonical

FEWEST = 2
"""Final runs that a configuration has before it is looked at: one says nothing about its seeds."""
APART = 3.0
"""Standard errors of the difference of two means from which on they count as told apart."""


def outraced(history: SweepHistory, goal: Goal, images: int = 0) -> frozenset[str]:
    """Return the finalists, in canonical form, that can be told from the first of them.

    A run's variance is that of all finalists' seeds together, and not below what so many validation
    `images` leave to luck. It follows from what was recorded alone, so a resumed sweep comes to the same.
    """
    scores: dict[str, list[float]] = {}
    for trial in history.trials.values():
        best = trial.best(goal) if trial.is_final_run and trial.state is State.COMPLETED else None
        if best is not None:
            scores.setdefault(canonical(trial.config), []).append(best.score)
    return behind({config: each for config, each in scores.items() if len(each) >= FEWEST}, goal, images)


def behind(scores: Mapping[str, Sequence[float]], goal: Goal, images: int = 0) -> frozenset[str]:
    """Return who is behind the best mean by more than `APART` standard errors; two scores each, at least."""
    if len(scores) < 2:
        return frozenset()
    means = {name: goal.sign * statistics.fmean(each) for name, each in scores.items()}
    first = max(means, key=lambda name: means[name])
    freedom = sum(len(each) - 1 for each in scores.values())
    seeds = sum((len(each) - 1) * statistics.variance(each) for each in scores.values()) / freedom
    variance = max(seeds, LUCK * binomial(goal.sign * means[first], images))
    ahead = len(scores[first])
    return frozenset(
        name
        for name, each in scores.items()
        if means[first] - means[name] > APART * math.sqrt(variance * (1 / ahead + 1 / len(each)))
    )
