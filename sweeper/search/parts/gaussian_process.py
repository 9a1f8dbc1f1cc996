"""A Gaussian process of few results: which configurations are expected to improve on the best so far.

It is kept small on purpose. One length for all axes, and two sizes of noise, are chosen by likelihood among
nine combinations: with a few dozen results there is no more to learn, and a search has 50 ms to answer in.
"""

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

LENGTHS = (0.35, 0.7, 1.4)
NOISES = ((0.003, 0.03), (0.03, 0.1), (0.15, 0.3))
"""Variances of a result, and of what is foretold from a lower rung beside it, where all results have 1."""
_LENGTH_PRIOR = (math.log(0.6), 2.0)
_NOISE_PRIOR = (math.log(0.02), 8.0)


@dataclass(frozen=True, slots=True)
class Climb:
    """The best score of a trial up to each step that it reported; larger is better."""

    steps: Sequence[int]
    best: Sequence[float]

    @classmethod
    def of(cls, scores: Mapping[int, float]) -> "Climb":
        """Return that of some scores; before the first step it is the worst of them."""
        steps = sorted(scores)
        best = itertools.accumulate((scores[step] for step in steps), max)
        return cls(steps, [min(scores.values()), *best])

    @property
    def end(self) -> int:
        """The last step that was reported."""
        return self.steps[-1]

    def at(self, step: int) -> float:
        """Return the best score up to a step."""
        return self.best[bisect.bisect_right(self.steps, step)]


def deciding_rung(climbs: Sequence[Climb], least: int) -> int | None:
    """Return the highest epoch that so many trials have reached; None where no epoch has."""
    ends = sorted((climb.end for climb in climbs), reverse=True)
    return ends[least - 1] if len(ends) >= least else None


def levelled(climbs: Sequence[Climb], rung: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each trial's best score up to the rung, and whether it is foretold, because it ended below.

    What it would have gained is the median gain of those that went on. They were chosen for being good, so
    it is too much for most; the noise of what is foretold says so to the model.
    """
    is_short = np.array([climb.end < rung for climb in climbs])
    passed = [climb for climb in climbs if climb.end >= rung]
    ends = {climb.end for climb in climbs if climb.end < rung}
    gains = {end: float(np.median([each.at(rung) - each.at(end) for each in passed])) for end in ends}
    return np.array([climb.at(rung) + gains.get(climb.end, 0.0) for climb in climbs]), is_short


def standardized(values: np.ndarray) -> np.ndarray:
    """Return the values with mean 0 and deviation 1, the tail below the median drawn in by a logarithm.

    A network that learned nothing is as far from the good ones as all of them from each other: the model
    would spend its flexibility there.
    """
    middle = float(np.median(values))
    scale = max(float(values.max()) - middle, 1e-12)
    depth = np.maximum(middle - values, 0.0)
    drawn_in = np.where(values < middle, middle - scale * np.log1p(depth / scale), values)
    return (drawn_in - drawn_in.mean()) / max(float(drawn_in.std()), 1e-12)


@dataclass(frozen=True)
class GaussianProcess:
    """The posterior over points; `best` is the highest mean at a point that was observed."""

    points: np.ndarray
    length: float
    factor: np.ndarray
    weights: np.ndarray
    best: float

    @classmethod
    def fitted(
        cls, points: np.ndarray, values: np.ndarray, is_short: np.ndarray, running: np.ndarray
    ) -> "GaussianProcess":
        """Fit to standardized values; `running` are points without a result yet, taken as what is foretold.

        So workers side by side do not try the same.
        """
        squares = _squares(points, points)
        kernels = {length: _kernel(squares, length) for length in LENGTHS}
        length, noise, extra = max(
            ((length, noise, extra) for length in LENGTHS for noise, extra in NOISES),
            key=lambda each: _likelihood(kernels[each[0]], values, is_short, *each),
        )
        kernel, diagonal = kernels[length], noise + extra * is_short
        factor = _factor(kernel, diagonal)
        weights = linalg.cho_solve((factor, True), values, check_finite=False)
        best = float((kernel @ weights).max())
        if len(running):
            cross = _kernel(_squares(running, points), length)
            values = np.concatenate([values, cross @ weights])
            kernel = np.block([[kernel, cross.T], [cross, _kernel(_squares(running, running), length)]])
            points = np.concatenate([points, running])
            factor = _factor(kernel, np.concatenate([diagonal, np.full(len(running), noise)]))
            weights = linalg.cho_solve((factor, True), values, check_finite=False)
        return cls(points, length, factor, weights, best)

    def mean(self, points: np.ndarray) -> np.ndarray:
        """Return the expected value at each point."""
        return _kernel(_squares(points, self.points), self.length) @ self.weights

    def improvement(self, points: np.ndarray) -> np.ndarray:
        """Return the expected improvement on the best at each point."""
        cross = _kernel(_squares(points, self.points), self.length)
        explained = linalg.solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        deviation = np.sqrt(np.maximum(1.0 - (explained * explained).sum(axis=0), 1e-9))
        ahead = (cross @ self.weights - self.best) / deviation
        density = np.exp(-0.5 * ahead * ahead) / math.sqrt(2 * math.pi)
        return deviation * (ahead * special.ndtr(ahead) + density)


def _squares(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    both = (left * left).sum(axis=1)[:, None] + (right * right).sum(axis=1)[None, :]
    return np.maximum(both - 2 * left @ right.T, 0.0)


def _kernel(squares: np.ndarray, length: float) -> np.ndarray:
    """Matern 5/2 of variance 1."""
    distance = np.sqrt(5 * squares) / length
    return (1 + distance + distance * distance / 3) * np.exp(-distance)


def _factor(kernel: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    noisy = kernel.copy()
    noisy[np.diag_indices_from(noisy)] += diagonal
    return linalg.cholesky(noisy, lower=True, overwrite_a=True, check_finite=False)


def _likelihood(
    kernel: np.ndarray, values: np.ndarray, is_short: np.ndarray, length: float, noise: float, extra: float
) -> float:
    """Return the logarithm of the likelihood and of the prior, up to a constant."""
    factor = _factor(kernel, noise + extra * is_short)
    whitened = linalg.solve_triangular(factor, values, lower=True, check_finite=False)
    prior = sum(
        (math.log(value) - middle) ** 2 / spread
        for value, (middle, spread) in ((length, _LENGTH_PRIOR), (noise, _NOISE_PRIOR))
    )
    return float(-0.5 * whitened @ whitened - np.log(np.diag(factor)).sum() - prior)
