"""A landscape through the recorded curves: Gaussian processes of a configuration, sampled for each seed.

Between the recorded configurations nobody knows the curve, so every seed draws another one that agrees
with what was recorded (a posterior sample), instead of one smooth guess that a search could exploit.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from parts.replayed import Table
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from sweeper.config.parameter import Parameter
from sweeper.config.space import Space
from sweeper.runners.parts.synthetic_curves import place
from sweeper.trial import Config, Report, Trial, canonical, derive

SHAPES = 3
"""Principal components of the curves; what is left over is drawn from the recorded left-overs."""

FEATURES = 512
"""Random Fourier features of a prior sample."""

Array = np.ndarray


def vector(space: Space, config: Config) -> Array:
    """Numbers by their places, names by indicators, a list by its mean, first and last."""
    found: list[float] = []
    for name, parameter in space.parameters.items():
        values = parameter.extremes()
        if len(values) > 1:
            found += _entries(parameter, values, config.get(name))
    return np.array(found)


def _entries(parameter: Parameter, values: Sequence[object], value: object) -> list[float]:
    if isinstance(values[0], str):
        return [0.7 * (value == name) for name in values]
    if parameter.per:
        items = value if isinstance(value, list) and value else [values[0]]
        return [place(parameter, items), place(parameter, [items[0]]), place(parameter, [items[-1]])]
    return [0.5 if value is None else place(parameter, value)]


@dataclass(frozen=True)
class Process:
    """One figure as a function of the vector: a fitted process, and how well it foretells the left-out."""

    process: GaussianProcessRegressor
    points: Array
    values: Array

    @classmethod
    def fit(cls, points: Array, values: Array) -> "Process":
        kernel = ConstantKernel(1.0, (0.05, 20)) * RBF(np.ones(points.shape[1]), (0.3, 20))
        kernel = kernel + WhiteKernel(0.1, (1e-3, 1.0))
        process = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=0)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # a length at its bound: a parameter without effect
            process.fit(points, values)
        return cls(process, points, values)

    @property
    def foretold(self) -> float:
        """Share of the variance that is foretold of each value by all the others (R2, leave one out)."""
        inverse = np.linalg.inv(self.process.kernel_(self.points))
        scaled = (self.values - self.values.mean()) / self.values.std()
        return 1 - float(np.mean(((inverse @ scaled) / np.diag(inverse)) ** 2))

    def sample(self, seed: int) -> "Path":
        """A function that agrees with the values up to their noise (Matheron's rule)."""
        random = np.random.default_rng(seed)
        smooth, noise = self.process.kernel_.k1, self.process.kernel_.k2.noise_level
        amplitude, lengths = smooth.k1.constant_value, smooth.k2.length_scale
        waves = random.normal(size=(self.points.shape[1], FEATURES)) / np.reshape(lengths, (-1, 1))
        phases, weights = random.uniform(0, 2 * np.pi, FEATURES), random.normal(size=FEATURES)
        prior = _Waves(waves, phases, weights * np.sqrt(2 * amplitude / FEATURES))
        mean, spread = self.values.mean(), self.values.std()
        error = random.normal(0, np.sqrt(noise), len(self.values))
        gap = (self.values - mean) / spread - prior(self.points) - error
        pull = np.linalg.solve(self.process.kernel_(self.points), gap)
        return Path(self, prior, pull, mean, spread, float(np.sqrt(noise)))


@dataclass(frozen=True)
class _Waves:
    waves: Array
    phases: Array
    weights: Array

    def __call__(self, points: Array) -> Array:
        return np.cos(points @ self.waves + self.phases) @ self.weights


@dataclass(frozen=True)
class Path:
    """One sample; `noise` is what two runs of one configuration differ by, in units of `spread`."""

    of: Process
    prior: _Waves
    pull: Array
    mean: float
    spread: float
    noise: float

    def __call__(self, point: Array, luck: float) -> float:
        near = self.of.process.kernel_.k1(point[None], self.of.points) @ self.pull
        return float(self.mean + self.spread * (self.prior(point[None]) + near + self.noise * luck)[0])


@dataclass(frozen=True)
class Fitted:
    """The processes of a table: the shapes of its curves and its seconds per epoch."""

    table: Table
    mean: Array
    shapes: Array
    leftover: Array
    bound: float
    processes: Sequence[Process]

    @classmethod
    def of(cls, table: Table) -> "Fitted":
        points = np.array([vector(table.spec.space, config) for config in table.configs])
        curves = [table.curves[canonical(config)] for config in table.configs]
        scores = np.array([[report.score for report in curve] for curve in curves])
        bound = 0.5 * float(np.min(np.diff(np.unique(scores))))
        logits = np.log((clipped := np.clip(scores, bound, 1 - bound)) / (1 - clipped))
        mean = logits.mean(axis=0)
        left, sizes, right = np.linalg.svd(logits - mean, full_matrices=False)
        loads, shapes = left[:, :SHAPES] * sizes[:SHAPES], right[:SHAPES]
        paces = np.log([curve[-1].device_seconds / len(curve) for curve in curves])
        processes = [Process.fit(points, values) for values in [*loads.T, paces]]
        return cls(table, mean, shapes, logits - mean - loads @ shapes, bound, processes)

    def __str__(self) -> str:
        *shapes, pace = (f"{process.foretold:.2f}" for process in self.processes)
        count = len(self.table.configs)
        return f"{count} curves; foretold when left out: shapes {', '.join(shapes)}, seconds {pace} (R2)"

    def sample(self, seed: int) -> "Landscape":
        paths = [p.sample(derive(seed, "landscape", n)) for n, p in enumerate(self.processes)]
        return Landscape(self, paths, seed)


@dataclass(frozen=True)
class Landscape:
    """A workload: curves of any configuration of the space."""

    fitted: Fitted
    paths: Sequence[Path]
    seed: int

    def true_score(self, config: Config) -> float:
        """The best epoch's score of a run without luck."""
        point = vector(self.fitted.table.spec.space, config)
        *loads, _ = [path(point, 0.0) for path in self.paths]
        return float((1 / (1 + np.exp(-(self.fitted.mean + np.array(loads) @ self.fitted.shapes)))).max())

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """The reports behind the trial's checkpoint; two runs of one configuration differ by their noise."""
        fitted, first = self.fitted, int(trial.checkpoint or 0)
        random = np.random.default_rng(derive(self.seed, "noise", trial.seed))
        point = vector(fitted.table.spec.space, trial.config)
        *loads, pace = [
            path(point, luck) for path, luck in zip(self.paths, random.normal(size=99), strict=False)
        ]
        logits = fitted.mean + np.array(loads) @ fitted.shapes
        logits = logits + fitted.leftover[random.integers(len(fitted.leftover))]
        scores = np.clip(1 / (1 + np.exp(-logits)), fitted.bound, 1 - fitted.bound)
        scores = np.round(scores / (2 * fitted.bound)) * 2 * fitted.bound
        for epoch in range(first + 1, len(scores) + 1):
            seconds = float(np.exp(pace)) * epoch
            yield Report(epoch, float(scores[epoch - 1]), seconds, {}, str(epoch))
