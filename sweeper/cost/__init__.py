"""Estimators that foresee the seconds of an epoch, and what they work with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sweeper.registry import Registry

Source = Literal["probe", "history", "table"]


@dataclass(frozen=True, slots=True)
class Work:
    """What one epoch of one configuration has to compute.

    `flops` and `values` (numbers that its layers give) are those of one image's forward pass, `inputs` the
    numbers of one image; `transform` are the operations of its normalization, `augmentation` counts the
    numbers that are drawn anew in each epoch (0 without augmentation). `update` are the operations of the
    optimizer in one step beyond those of each weight. `valid_images` counts an image twice that is looked at
    twice.
    """

    flops: float
    values: float
    layers: int
    parameters: int
    inputs: float
    steps: int
    train_images: int
    valid_images: int
    valid_steps: int
    transform: float = 0.0
    augmentation: float = 0.0
    update: float = 0.0


@dataclass(frozen=True, slots=True)
class Timing:
    """An epoch that was run: what it computed, and the seconds that it took on its share of the device."""

    work: Work
    seconds: float


@dataclass(frozen=True, slots=True)
class Overheads:
    """Seconds that are billed beside training: a new worker, each attempt on it, each report."""

    worker: float = 0.0
    attempt: float = 0.0
    epoch: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Foresees the seconds of an epoch: the terms of its work times what each costs on this device.

    `common` is the standard deviation of the logarithm of how wrong it is for all configurations alike,
    `single` of how wrong it is for one of them beyond that.
    """

    costs: tuple[float, ...]
    common: float
    single: float
    source: Source
    timings: int = 0

    def seconds(self, work: Work) -> float:
        """Return the seconds of one epoch, validation included."""
        return sum(cost * term for cost, term in zip(self.costs, terms(work), strict=True))


@dataclass(frozen=True, slots=True)
class TimingData:
    """What an estimator may go by: the kind of device, and the epochs that were timed on it."""

    is_gpu: bool = False
    probes: tuple[Timing, ...] = ()
    records: tuple[Timing, ...] = ()


def terms(work: Work) -> tuple[float, ...]:
    """Return the quantities that cost time: arithmetic, memory, calls, weights, augmentation, epoch.

    A backward pass counts as two forward passes.
    """
    passes = 3 * work.train_images + work.valid_images
    images = work.train_images + work.valid_images
    return (
        work.flops * passes + work.transform * images + work.update * work.steps,
        work.values * passes + work.inputs * images,
        work.layers * (3.0 * work.steps + work.valid_steps),
        float(work.parameters * work.steps),
        work.augmentation * work.train_images,
        1.0,
    )


Estimator = Callable[..., Pace | None]

estimator: Registry[Estimator] = Registry("estimator", "sweeper.cost")
"""Factories `(known, *, options...) -> Pace`, or None where they know too little."""
