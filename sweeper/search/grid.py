"""Grid search: every configuration once, in the order of the sweep file."""

from sweeper.config.space import Space
from sweeper.search import searcher
from sweeper.trial import Config, Goal, State, canonical


class Grid:
    """Walks the product of all values; points and trials of the record are not run again."""

    def __init__(self, space: Space) -> None:
        self._remaining = space.grid()
        self._seen: set[str] = set()

    def suggest(self, number: int) -> Config | None:
        """Return the next configuration of the grid; None after the last."""
        for config in self._remaining:
            text = canonical(config)
            if text not in self._seen:
                self._seen.add(text)
                return config
        return None

    def register(self, number: int, config: Config) -> None:
        """Leave the configuration out of the rest of the walk; not one of an earlier sweep (below zero)."""
        if number >= 0:
            self._seen.add(canonical(config))

    def on_report(self, number: int, epoch: int, score: float) -> None:
        """Nothing to learn."""

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Nothing to learn."""


@searcher("grid")
def grid(space: Space, goal: Goal, seed: int) -> Grid:
    """Every combination of the space's values; SpecError for a range that has no `q`."""
    return Grid(space)
