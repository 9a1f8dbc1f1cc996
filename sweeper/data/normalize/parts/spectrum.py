"""Finds eigenvectors of the covariance of images, all or the largest, without holding the images.

There are three ways, by cost: the Gram matrix of the images where they are far fewer than the pixels,
the whole covariance where it is small, and otherwise randomized subspace iteration in three passes
(Halko, Martinsson and Tropp 2011).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweeper.data.normalize import TrainingImages
from sweeper.data.normalize.parts.passes import passes_that_fit
from sweeper.trial import derive

_BATCH = 256
_OVERSAMPLE = 32
_HELD_BACK = 64


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Eigenvalues of the covariance, largest first; their vectors as columns; the sum of all eigenvalues."""

    values: NDArray[np.float64]
    vectors: Tensor
    total: float

    @property
    def remainder(self) -> float:
        """The average variance of a direction outside of the vectors."""
        left = self.vectors.shape[0] - len(self.values)
        return max(self.total - float(self.values.sum()), 0.0) / left if left else 0.0

    def first(self, rank: int) -> "Spectrum":
        """Return only the largest."""
        return Spectrum(self.values[:rank], self.vectors[:, :rank].contiguous(), self.total)


class Centered:
    """Training images as rows (height, width, channels order) less their mean, a block at a time.

    Up to 64 images, spread over the split, are held back from everything but `held_back`.
    """

    def __init__(self, images: TrainingImages) -> None:
        self._images = images
        self._sizes = list[int]()
        self._stride = max(10, math.ceil(images.count / _HELD_BACK))
        self.dimensions = int(np.prod(images.shape))
        self.count = images.count - len(range(0, images.count, self._stride))
        total = torch.zeros(self.dimensions, dtype=torch.float64)
        squares = 0.0
        for block in self._raw(held_back=False):
            total += block.sum(0, dtype=torch.float64)
            squares += float(block.square().sum(dtype=torch.float64))
        self.mean = (total / self.count).float()
        self.total = squares / self.count - float((total / self.count).square().sum())

    def blocks(self) -> Iterator[Tensor]:
        """One pass over the rows."""
        for block in self._raw(held_back=False):
            yield block.sub_(self.mean)

    def held_back(self) -> Tensor:
        """Return the rows on which nothing was fitted."""
        return torch.cat(list(self._raw(held_back=True))) - self.mean

    def times(self, right: Tensor) -> Tensor:
        """Multiply the covariance with a tall matrix in one pass; the covariance itself is never formed."""
        product = torch.zeros_like(right)
        for block in self.blocks():
            product.addmm_(block.T, block @ right, alpha=1 / self.count)
        return product

    def _raw(self, *, held_back: bool) -> Iterator[Tensor]:
        def rows(batch: Tensor, first: int) -> Tensor:
            flat = flatten(batch)
            is_held = torch.arange(first, first + len(flat)) % self._stride == 0
            return flat[is_held if held_back else ~is_held]

        for chosen in passes_that_fit(self._images, _BATCH, rows, sizes=self._sizes):
            if len(chosen):
                yield chosen


def flatten(images: Tensor) -> Tensor:
    """Return NCHW images as rows; that is free where they are channels_last in memory."""
    return images.permute(0, 2, 3, 1).flatten(1)


def exact(centered: Centered) -> Spectrum:
    """Find every eigenvector through the covariance in float32; peak memory is three such matrices."""
    covariance = torch.zeros(centered.dimensions, centered.dimensions)
    for block in centered.blocks():
        covariance.addmm_(block.T, block, alpha=1 / centered.count)
    # the transpose of a symmetric matrix is itself, in the order that LAPACK overwrites
    values, vectors = _eigh(covariance.numpy().T)
    del covariance
    return Spectrum(
        np.maximum(values[::-1], 0).astype(np.float64), torch.from_numpy(vectors).flip(1), centered.total
    )


def gram(centered: Centered) -> Spectrum:
    """Find all eigenvectors that the images span by inner products; the images are held as float32."""
    rows = torch.cat(list(centered.blocks()))
    values, vectors = _eigh((rows @ rows.T).div_(centered.count).numpy().T)
    kept = values > max(values[-1], 0.0) * 1e-6
    values, right = values[kept][::-1].copy(), torch.from_numpy(vectors[:, kept][:, ::-1].copy())
    scale = torch.from_numpy(1 / np.sqrt(values * centered.count)).float()
    return Spectrum(values.astype(np.float64), rows.T @ right.mul_(scale), centered.total)


def randomized(centered: Centered, rank: int) -> Spectrum:
    """Find the largest `rank` eigenvectors in three passes over the images."""
    columns = min(rank + _OVERSAMPLE, centered.dimensions)
    generator = torch.Generator().manual_seed(derive(0, "zca", rank))
    basis = torch.empty(centered.dimensions, columns).normal_(generator=generator)
    for _ in range(2):
        basis = torch.linalg.qr(centered.times(basis)).Q
    values, inner = _eigh((basis.T @ centered.times(basis)).numpy().T)
    order = np.argsort(values)[::-1][:rank].copy()
    vectors = basis @ torch.from_numpy(np.ascontiguousarray(inner[:, order]))
    return Spectrum(np.maximum(values[order], 0).astype(np.float64), vectors, centered.total)


def remainder_error(centered: Centered, spectrum: Spectrum, epsilon: float) -> float:
    """Measure how far whitening with an isotropic remainder is from the exact one, on the held-back images.

    The measure is the relative Frobenius norm. A Chebyshev series in the covariance, whose spectrum is
    short outside of the vectors, gives the exact transform there: 3 to 12 passes for 64 images.
    """
    vectors = spectrum.vectors
    rows = centered.held_back()
    inside = rows @ vectors
    outside = (rows - inside @ vectors.T).T.contiguous()
    top = max(float(spectrum.values[-1]) * 1.05, 1e-12)

    def times(right: Tensor) -> Tensor:
        product = centered.times(right)
        return product - vectors @ (vectors.T @ product)

    true = _chebyshev(times, outside, top, epsilon)
    gains = torch.from_numpy(1 / np.sqrt(spectrum.values + epsilon)).float()
    norm = math.hypot(float(true.norm()), float((inside * gains).norm()))
    return float((true - outside / math.sqrt(spectrum.remainder + epsilon)).norm()) / max(norm, 1e-12)


def _chebyshev(times: Any, right: Tensor, top: float, epsilon: float) -> Tensor:
    """Return (A + epsilon)^(-1/2) times `right`, for A with eigenvalues between 0 and `top`."""
    root = math.sqrt(1 + top / epsilon)
    degree = min(12, max(3, math.ceil(4.6 / math.log((root + 1) / (root - 1))))) if root > 1 else 3
    nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    heights = 1 / np.sqrt((nodes + 1) * top / 2 + epsilon)
    weights = [2 / (degree + 1) * float(heights @ np.cos(k * np.arccos(nodes))) for k in range(degree + 1)]
    before, now = right, times(right) * (2 / top) - right
    result = before * (weights[0] / 2) + now * weights[1]
    for weight in weights[2:]:
        before, now = now, (times(now) * (2 / top) - now) * 2 - before
        result += now * weight
    return result


def _eigh(matrix: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return ascending values and their vectors, which overwrite the matrix."""
    values, vectors = scipy.linalg.eigh(matrix, overwrite_a=True, check_finite=False, driver="evd")
    return values, vectors
