"""Cost-aware search takes the fastest of several proposals, and looks at fewer as the sweep goes on."""

from sweeper.config.space import Space
from sweeper.cost.learned import PaceModel
from sweeper.search import Searcher
from sweeper.trial import Config, State

PROPOSALS = 8
"""Proposals that trial 0 chooses from."""


class Thrifty:
    """Cost-cooling around another search.

    Each of its proposals is the best of many by expected improvement, drawn with a seed of its own, so
    the cheapest of several gains about as much for less: expected improvement per predicted second.
    Trial 0 takes the cheapest of `PROPOSALS`, trial `cooling` the first one that comes, as without it.
    The cost of a configuration is learned from the trials that are over; before three, it takes the first.
    """

    def __init__(self, search: Searcher, space: Space, cooling: int) -> None:
        self._search = search
        self._pace = PaceModel(space)
        self._cooling = cooling
        self._configs: dict[int, Config] = {}
        self._epochs: dict[int, int] = {}

    def suggest(self, number: int) -> Config | None:
        """Choose a proposal and register it, so that the search forgets the others."""
        first = self._search.suggest(number)
        if first is None:
            return None
        cheapest, seconds = first, self._pace.seconds_per_epoch(first)
        for _ in range(self._more(number) if seconds is not None else 0):
            config = self._search.suggest(number)
            other = self._pace.seconds_per_epoch(config) if config is not None else None
            if config is not None and other is not None and seconds is not None and other < seconds:
                cheapest, seconds = config, other
        self.register(number, cheapest)
        return cheapest

    def register(self, number: int, config: Config) -> None:
        """Pass the configuration on, and remember it so that its pace can be learned."""
        self._configs[number] = config
        self._search.register(number, config)

    def on_report(self, number: int, epoch: int, score: float) -> None:
        """Pass the report on; the last epoch says for how many epochs the cost stands."""
        self._epochs[number] = max(epoch, self._epochs.get(number, 0))
        self._search.on_report(number, epoch, score)

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Pass the end on, and learn the pace once for each trial."""
        self._search.on_complete(number, state, score, cost)
        config, epochs = self._configs.pop(number, None), self._epochs.get(number, 0)
        if config is not None and epochs:
            self._pace.learn(config, cost / epochs)

    def _more(self, number: int) -> int:
        """Return how many further proposals to look at."""
        return round((PROPOSALS - 1) * max(0.0, 1 - number / self._cooling))
