"""ZCA whitening: decorrelated pixels that still look like the image.

W = U diag(1 / sqrt(s + epsilon)) U^T for the eigenvalues s and vectors U of the covariance of the
training split (Bell and Sejnowski 1997; Krizhevsky 2009). `zca_epsilon` is relative to the mean
eigenvalue: 0.1 damps what varies less than a tenth of the average. Keras' absolute 1e-6 is about
1e-5 of it, where float32 is already 13 % wrong.

Low rank: the directions that are not kept count as one variance, their mean. That is the ZCA of
probabilistic PCA (Tipping and Bishop 1999). The rank is the smallest whose last eigenvalue is at most
a quarter of epsilon, which keeps the error to about 3 %; the error is measured on images held back
from the fit and kept as `error`.
"""

import logging
import math
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from sweeper.data.normalize import Fitted, Normalization, TrainingImages, Transform, normalization
from sweeper.data.normalize.parts.placed import Placed
from sweeper.data.normalize.parts.spectrum import (
    Centered,
    Spectrum,
    exact,
    flatten,
    gram,
    randomized,
    remainder_error,
)
from sweeper.errors import is_out_of_memory

_log = logging.getLogger(__name__)
_SMALL = 3_072  # 32 px in color: exact in 15 CPU-seconds
_LARGEST_EXACT = 12_288  # 64 px in color: exact in 450 CPU-seconds and 2.7 GB
_LARGEST_RANK = 2_048
_FEW_IMAGES = 4_096
_RULE = 0.25  # of epsilon, that the last eigenvalue may be


@normalization("zca")
def zca(
    *,
    zca_epsilon: Annotated[float, Field(gt=0, le=100)] = 0.1,
    zca_rank: Literal["auto", "full"] | Annotated[int, Field(ge=1)] = "auto",
) -> Normalization:
    """Exact to 32 px; to 64 px low rank where a sixth of the dimensions will do, else exact; above, low rank.

    `zca_rank` is a number of eigenvectors, or `full` for the exact transform whatever it costs.
    """
    return _Zca(zca_epsilon, zca_rank)


class _Zca:
    def __init__(self, epsilon: float, rank: int | str) -> None:
        self._epsilon = epsilon
        self._rank = rank

    def fit(self, images: TrainingImages) -> Fitted:
        centered = Centered(images)
        epsilon = self._epsilon * max(centered.total, 1e-12) / centered.dimensions
        rank, is_short = self._rank, False
        while True:
            try:
                spectrum = _spectrum(centered, rank, epsilon, is_short=is_short)
                return _fitted(centered, spectrum, epsilon)
            except (RuntimeError, MemoryError) as error:
                rank, is_short = _lower_rank(rank, centered, error), True

    def transform(self, fitted: Fitted) -> Transform:
        placed = Placed({name: fitted[name] for name in fitted if name not in ("rank", "ratio", "error")})

        def apply(batch: Tensor) -> Tensor:
            numbers = placed(batch.device)
            # the whitened difference of close numbers: not for half precision
            with torch.autocast(batch.device.type, enabled=False):
                rows = flatten(batch) - numbers["mean"]
                white = _apply(rows, numbers)
            channels, height, width = batch.shape[1:]
            return white.view(-1, height, width, channels).permute(0, 3, 1, 2)

        return apply


def _lower_rank(rank: int | str, centered: Centered, error: BaseException) -> int:
    """Return the rank to try where memory was too short for this one; any other error is raised."""
    if not is_out_of_memory(error):
        raise error
    if isinstance(rank, int):
        lower = min(rank // 2, centered.dimensions // 6)
    else:
        lower = min(_LARGEST_RANK, centered.dimensions // 6)
    if lower < 1:
        raise MemoryError(f"zca: not one eigenvector fits: {error}") from error
    _log.warning("zca: out of memory: going on with rank %d; zca_rank sets it, zca_patch needs little", lower)
    return lower


def _fitted(centered: Centered, spectrum: Spectrum, epsilon: float) -> Fitted:
    mean = centered.mean.numpy()
    if len(spectrum.values) == centered.dimensions:
        return {"mean": mean, "matrix": _matrix(spectrum, epsilon), "rank": np.array(centered.dimensions)}
    return {"mean": mean} | _low_rank(centered, spectrum, epsilon)


def _spectrum(centered: Centered, asked: int | str, epsilon: float, *, is_short: bool = False) -> Spectrum:
    """With `is_short` of memory the images are never held, nor their covariance, and `asked` is a number."""
    if is_short and isinstance(asked, int):
        return randomized(centered, asked)
    if asked == "full" or (isinstance(asked, int) and asked >= centered.dimensions):
        return exact(centered)
    if isinstance(asked, int):
        return gram(centered).first(asked) if centered.count <= _FEW_IMAGES else randomized(centered, asked)
    if centered.dimensions <= _SMALL:
        return exact(centered)
    is_exact_possible = centered.dimensions <= _LARGEST_EXACT
    if centered.count <= _FEW_IMAGES:
        spectrum = gram(centered)
        needed = int((spectrum.values > _RULE * epsilon).sum()) + 1
        return spectrum.first(needed if is_exact_possible else min(needed, _LARGEST_RANK))
    most = min(_LARGEST_RANK, centered.dimensions // 6)
    rank = 256
    while True:
        spectrum = randomized(centered, rank)
        if spectrum.values[-1] <= _RULE * epsilon or (rank == most and not is_exact_possible):
            return spectrum
        rank, before = extrapolated_rank(spectrum.values, _RULE * epsilon), rank
        if rank > most and is_exact_possible:
            return exact(centered)
        rank = min(max(rank, before + 64), most)


def _low_rank(centered: Centered, spectrum: Spectrum, epsilon: float) -> dict[str, NDArray[np.generic]]:
    error = remainder_error(centered, spectrum, epsilon)
    ratio = float(spectrum.values[-1]) / epsilon
    if ratio > _RULE:
        _log.warning(
            "zca: rank %d leaves eigenvalues up to %.2g of the regularizer (the aim is 0.25), "
            "error %.0f %% on images held back; raise zca_epsilon or zca_rank, or use zca_patch",
            *(len(spectrum.values), ratio, 100 * error),
        )
    rest = 1 / math.sqrt(spectrum.remainder + epsilon)
    gains = 1 / np.sqrt(spectrum.values + epsilon) - rest
    return {
        "vectors": spectrum.vectors.numpy(),
        "gains": gains.astype(np.float32),
        "rest": np.array(rest, np.float32),
        "rank": np.array(len(spectrum.values)),
        "ratio": np.array(ratio),
        "error": np.array(error),
    }


def extrapolated_rank(values: NDArray[np.float64], wanted: float) -> int:
    """The rank at which the eigenvalues reach `wanted`, if they go on falling as a power of the rank."""
    rank = len(values)
    slope = math.log(values[rank // 2] / max(values[-1], 1e-30)) / math.log(rank / (rank // 2 + 1))
    steps = math.log(values[-1] / wanted) / max(slope, 0.1)
    return math.ceil(1.1 * rank * math.exp(min(steps, 20.0)))


def _matrix(spectrum: Spectrum, epsilon: float) -> NDArray[np.float32]:
    """Return U diag(..) U^T as one product of a matrix with itself; the vectors are overwritten."""
    vectors = spectrum.vectors
    vectors *= torch.from_numpy((spectrum.values + epsilon) ** -0.25).float()
    return (vectors @ vectors.T).numpy()


def _apply(rows: Tensor, numbers: dict[str, Tensor]) -> Tensor:
    if "matrix" in numbers:
        return rows @ numbers["matrix"]
    inside = (rows @ numbers["vectors"]) * numbers["gains"]
    return torch.addmm(rows * numbers["rest"], inside, numbers["vectors"].T)
