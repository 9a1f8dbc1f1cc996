"""Makes a pace from epochs that earlier sweeps ran on the same images and the same kind of device."""

from dataclasses import replace

from sweeper.cost import Pace, TimingData, estimator
from sweeper.cost.fit import fitted, left_out
from sweeper.cost.flops import table

FEWEST = 3
COMMON = 0.25  # the machine was busy then in a way that is unknown now
_LEAST_SINGLE, _MOST_SINGLE = 0.1, 0.4


@estimator("history")
def history(known: TimingData) -> Pace | None:
    """The table, moved to three recorded trials or more."""
    if len(known.records) < FEWEST:
        return None
    typical = table(is_gpu=known.is_gpu)
    single = min(_MOST_SINGLE, max(_LEAST_SINGLE, left_out(known.records, typical)))
    return replace(fitted(known.records, typical), common=COMMON, single=single, source="history")
