"""Normalizations that treat every pixel alike: none, scale, standardize."""

import numpy as np
import torch
from torch import Tensor

from sweeper.data.normalize import Fitted, Normalization, TrainingImages, Transform, normalization
from sweeper.data.normalize.parts.passes import passes_that_fit
from sweeper.data.normalize.parts.placed import Placed


@normalization("none")
def none() -> Normalization:
    """Pixels as they are, as floats between 0 and 1."""
    return _Affine(0.0, 1.0)


@normalization("scale")
def scale() -> Normalization:
    """Pixels between -1 and 1, without looking at the data."""
    return _Affine(0.5, 2.0)


@normalization("standardize")
def standardize() -> Normalization:
    """Mean 0 and deviation 1 in each channel over the training split (Keras' featurewise options)."""
    return _Standardize()


class _Affine:
    def __init__(self, center: float, factor: float) -> None:
        self._center = center
        self._factor = factor

    def fit(self, images: TrainingImages) -> Fitted:
        return {}

    def transform(self, fitted: Fitted) -> Transform:
        if self._center == 0 and self._factor == 1:
            return lambda batch: batch
        return lambda batch: (batch - self._center) * self._factor


class _Standardize:
    def fit(self, images: TrainingImages) -> Fitted:
        channels, *_ = images.shape
        total, squares, count = torch.zeros(channels).double(), torch.zeros(channels).double(), 0

        def moments(batch: Tensor, _: int) -> tuple[Tensor, Tensor, int]:
            flat = batch.transpose(0, 1).reshape(channels, -1).double()
            return flat.sum(1), (flat * flat).sum(1), flat.shape[1]

        for sums, sums_of_squares, numbers in passes_that_fit(images, 256, moments):
            total += sums
            squares += sums_of_squares
            count += numbers
        mean = total / count
        deviation = (squares / count - mean * mean).clamp_min(0).sqrt()
        return {"mean": mean.numpy().astype(np.float32), "deviation": deviation.numpy().astype(np.float32)}

    def transform(self, fitted: Fitted) -> Transform:
        # a channel that never varies has nothing to scale
        deviation = np.maximum(fitted["deviation"], np.float32(1e-6))
        placed = Placed({"mean": fitted["mean"], "deviation": deviation})

        def apply(batch: Tensor) -> Tensor:
            mean, deviation = (placed(batch.device)[name].view(1, -1, 1, 1) for name in ("mean", "deviation"))
            return (batch - mean) / deviation

        return apply
