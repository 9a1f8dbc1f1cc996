"""A search keeps every trial here, and chooses which of them a sampler sees."""

import bisect
import itertools
from dataclasses import dataclass, field
from typing import Any

from sweeper.trial import Config, Goal, State

Rank = tuple[float, ...]

RESULTS = (State.COMPLETED, State.STOPPED, State.INFEASIBLE)
"""States that teach something; a crash says nothing about the configuration."""

_ASIDE = -(10**9)
"""Configurations that were drawn and cannot be trained are numbered from here, where no trial's number is."""


@dataclass(slots=True)
class ObservedTrial:
    """One trial as the search knows it. `state` is RUNNING until its first end.

    A trial that was stopped at a rung and goes on, because it was promoted, stays STOPPED and keeps the
    scores that it adds. So none of the best counts as running, which a constant liar would take for bad.
    `translation` is what a sampler makes of it, until something new is reported.
    """

    number: int
    config: Config
    state: State = State.RUNNING
    scores: dict[int, float] = field(default_factory=dict[int, float])
    score: float | None = None
    cost: float = 0.0
    translation: Any = None


class Memory:
    """Keeps every trial by its number, so that what is reported twice counts once.

    `shown` gives at most `limit` trials that are over, and as many running ones: with all 10,000 of a long
    sweep in sight, each proposal would cost more than the one before it.
    """

    def __init__(self, goal: Goal, limit: int) -> None:
        self._sign = goal.sign
        self._limit = limit
        self._aside = _ASIDE
        self._running: dict[int, ObservedTrial] = {}
        self._over: dict[int, ObservedTrial] = {}
        self._ranks: dict[int, Rank] = {}
        self._ranked: list[tuple[Rank, int]] = []

    def enter(self, number: int, config: Config) -> None:
        """Note that the trial runs this configuration, and forget what was drawn for it before.

        That was a configuration with a known result, which lies under another number, or one that cannot be
        trained, which stays known.
        """
        before = self._over.pop(number, None)
        if before:
            self._unrank(number)
        if before and before.state is State.INFEASIBLE:
            self._aside -= 1
            before.number = self._aside
            self._over[before.number] = before
            self._rank(before)
        self._running[number] = ObservedTrial(number, config)

    def add(self, number: int, epoch: int, score: float) -> None:
        """Note an intermediate score; the first one of an epoch counts."""
        observed = self._running.get(number) or self._over.get(number)
        if observed is None or epoch in observed.scores or observed.state is State.COMPLETED:
            return
        observed.scores[epoch], observed.translation = score, None
        if number in self._over:
            self._rank(observed)

    def close(self, number: int, state: State, score: float | None, cost: float) -> None:
        """Note that the trial is over, or waits at a rung; without a result it is forgotten."""
        observed = self._running.pop(number, None) or self._over.pop(number, None)
        if observed is None:
            return
        if state not in RESULTS or (score is None and state is not State.INFEASIBLE):
            self._unrank(number)
            return
        observed.state, observed.score, observed.cost, observed.translation = state, score, cost, None
        self._over[number] = observed
        self._rank(observed)

    def shown(self) -> list[ObservedTrial]:
        """Return the trials that a sampler sees, by number.

        They are the best quarter of `limit`, the newest for the rest, and the newest running ones.
        """
        over = list(self._over.values()) if len(self._over) <= self._limit else self._chosen()
        running = itertools.islice(reversed(self._running.values()), self._limit)
        return sorted([*over, *running], key=lambda observed: observed.number)

    def _chosen(self) -> list[ObservedTrial]:
        numbers = {number for _, number in self._ranked[: self._limit // 4]}
        newest = itertools.islice(reversed(self._over), self._limit)
        rest = [number for number in newest if number not in numbers]
        return [self._over[number] for number in [*numbers, *rest[: self._limit - len(numbers)]]]

    def _rank(self, observed: ObservedTrial) -> None:
        self._unrank(observed.number)
        self._ranks[observed.number] = rank = self._order(observed)
        bisect.insort(self._ranked, (rank, observed.number))

    def _unrank(self, number: int) -> None:
        rank = self._ranks.pop(number, None)
        if rank is not None:
            del self._ranked[bisect.bisect_left(self._ranked, (rank, number))]

    def _order(self, observed: ObservedTrial) -> Rank:
        """Return a key.

        Smaller is better, as TPE sees it: first trained in full, then those that got furthest.
        """
        if observed.state is State.COMPLETED:
            return (0.0, 0.0, -self._sign * (observed.score or 0.0))
        if observed.state is State.INFEASIBLE or not observed.scores:
            return (2.0, 0.0, 0.0)
        last = max(observed.scores)
        return (1.0, -float(last), -self._sign * observed.scores[last])
