"""What a sweep costs and will cost: ways to foresee a trial's seconds, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from sweeper.registry import Registry


@dataclass(frozen=True, slots=True)
class Workload:
    """What a trial has to compute. `flops` are those of one image's forward pass."""

    flops: float
    layers: int
    train_images: int
    valid_images: int
    epochs: int
    batch_size: int
    is_gpu: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of a whole device for the trial; nine trials of ten are expected between low and high."""

    seconds: float
    low: float
    high: float
    source: str


Estimator = Callable[..., Estimate]

estimator: Registry[Estimator] = Registry("estimator", "sweeper.cost")
