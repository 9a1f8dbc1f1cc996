"""A search algorithm proposes the next configuration from what earlier ones reached; each is a plug-in here.

The sweep tells it every start, report and end in the order of the record. A search that is told the same
again proposes the same again, which is how a resumed sweep goes on as the undisturbed one.
"""

from collections.abc import Callable
from typing import Protocol

from sweeper.registry import Registry
from sweeper.trial import Config, State


class Searcher(Protocol):
    """A search that is asked and told by trial numbers.

    It hears of each trial once, in the record's order.
    """

    def suggest(self, number: int) -> Config | None:
        """Return the configuration of trial `number`; None when the space is exhausted."""
        ...

    def register(self, number: int, config: Config) -> None:
        """Learn that trial `number` runs a configuration chosen elsewhere: a point, or the record."""
        ...

    def on_report(self, number: int, epoch: int, score: float) -> None:
        """Hear of a finite score while the trial runs."""
        ...

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Hear that the trial is over; `score` is its best finite one, None where it has none.

        `cost` is in device-seconds. INFEASIBLE is a configuration that cannot be trained at all.
        """
        ...


searcher: Registry[Callable[..., Searcher]] = Registry("search algorithm", "sweeper.search")
"""Factories `(space, goal, seed, *, options...) -> Searcher`."""
