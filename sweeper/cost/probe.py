"""Makes a pace from a few configurations that were timed on the device itself, for this purpose."""

from dataclasses import replace

from sweeper.cost import Pace, TimingData, estimator
from sweeper.cost.fit import fitted, left_out
from sweeper.cost.flops import table

FEWEST = 3
COMMON = 0.15  # measured in docs/quote.md: what the machine does between the probe and the sweep
_LEAST_SINGLE, _MOST_SINGLE = 0.1, 0.4


@estimator("probe")
def probe(known: TimingData) -> Pace | None:
    """The table, moved to three probes or more."""
    if len(known.probes) < FEWEST:
        return None
    typical = table(is_gpu=known.is_gpu)
    # an epoch left out is one of the extremes that were chosen: foreseen worse than what lies between them
    single = min(_MOST_SINGLE, max(_LEAST_SINGLE, left_out(known.probes, typical) / 2))
    return replace(fitted(known.probes, typical), common=COMMON, single=single, source="probe")
