"""Normalizations change batches before the network: fitted on the training split, used for all splits."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from sweeper.registry import Registry

if TYPE_CHECKING:  # the names and options of normalizations are known without torch
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Fitted = Mapping[str, "NDArray[np.generic]"]
Transform = Callable[["Tensor"], "Tensor"]


class TrainingImages(Protocol):
    """The training split, to be read as often as needed."""

    @property
    def count(self) -> int:
        """Number of images."""
        ...

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, pixels, pixels)."""
        ...

    def passes(self, batch_size: int) -> "Iterator[Tensor]":
        """One pass over all images in store order, float32 NCHW between 0 and 1."""
        ...


class Normalization(Protocol):
    """A normalization has two steps; `fit` runs once for a store and a split, and its numbers are kept."""

    def fit(self, images: TrainingImages) -> Fitted:
        """Return the numbers that the transform needs; empty where it needs none."""
        ...

    def transform(self, fitted: Fitted) -> Transform:
        """Return a function of float32 NCHW batches between 0 and 1, on any device."""
        ...


normalization: Registry[Callable[..., Normalization]] = Registry("normalization", "sweeper.data.normalize")
