"""The pace that a quote foresaw, for any configuration: what a sweep expects before its first report."""

from collections.abc import Callable

from sweeper.config.space import Space
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.cost.learned import PaceModel
from sweeper.trial import Config, canonical


def foresight(quote: CostEstimate, space: Space) -> Callable[[Config], float | None]:
    """Device-seconds of an epoch on the trial's share; None where the quote knows too little."""
    exact = {canonical(config): seconds for config, seconds in quote.samples}
    model = PaceModel(space)
    for config, seconds in quote.samples:
        model.learn(config, seconds)

    def seconds_per_epoch(config: Config) -> float | None:
        known = exact.get(canonical(config))
        seconds = model.seconds_per_epoch(config) if known is None else known
        return None if seconds is None else seconds * quote.share

    return seconds_per_epoch
