"""Gives a pace before anything has run, from a table of what each term costs on a CPU core and a GPU."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from sweeper.cost import Pace, TimingData, estimator

# Seconds a term, in the order of `terms`: an operation, a number that goes through memory, a layer's call
# (forward or backward), a weight in the optimizer's step, an augmented number, an epoch.
CPU = (8.5e-12, 7.4e-10, 2.6e-5, 4e-9, 4e-9, 0.05)  # one Skylake core; 30 digits, 16 groceries networks
GPU = (1 / 12e12, 4e-12, 1.5e-5, 2e-12, 1e-10, 4e-3)
_COMMON = 0.6  # nine sweeps of ten lie within a factor of 2.7 of the table
_SINGLE = 0.3


@estimator("flops")
def flops(known: TimingData, *, gflops: Annotated[float, Field(gt=0)] | None = None) -> Pace:
    """Needs no device and is wrong by up to a factor of three; `gflops` of the device make it better."""
    pace = table(is_gpu=known.is_gpu)
    return replace(pace, costs=(1e-9 / gflops, *pace.costs[1:])) if gflops else pace


def table(*, is_gpu: bool) -> Pace:
    """Return the pace of the kind of device, as it was measured once."""
    return Pace(GPU if is_gpu else CPU, _COMMON, _SINGLE, "table")
