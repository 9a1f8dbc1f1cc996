"""What a simulated sweep knows of its pace beforehand, as a launch does from its quote."""

from collections.abc import Iterator, Sequence

from sweeper.config.spec import SweepSpec
from sweeper.cost import Overheads
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.plan.check_spec import drawn
from sweeper.runners import Workload
from sweeper.store.attempt import Grant
from sweeper.trial import Config, Trial, derive

PACES = 24
"""Configurations whose first epoch is looked up in the curves."""


def simulated_quote(
    spec: SweepSpec,
    curves: Workload,
    grant: Grant,
    overheads: Overheads,
    samples: Sequence[tuple[Config, float]] = (),
) -> CostEstimate:
    """The pace of `samples`, seconds of an epoch on the share of a device; left out, that of the curves."""
    found = samples or tuple(_paces(spec, curves, grant.share))
    start = overheads.worker + overheads.attempt
    return CostEstimate.of_pace(
        found, share=grant.share, usd_per_hour=grant.usd_per_hour, start_seconds=start
    )


def _paces(spec: SweepSpec, curves: Workload, share: float) -> Iterator[tuple[Config, float]]:
    for number in range(PACES):
        config = drawn(spec, number)
        trial = Trial(f"pace-{number}", number, config, derive(spec.search.seed, "pace", number))
        if (report := next(iter(curves(trial)), None)) is not None:
            yield config, report.device_seconds / max(1, report.epoch) / share
