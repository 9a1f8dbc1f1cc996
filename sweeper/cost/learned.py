"""Learns the seconds of an epoch from the trials of the sweep itself, without a network or a device."""

import math
from collections.abc import Iterator, Sequence
from typing import TypeGuard

import numpy as np

from sweeper.config.parameter import Parameter, is_same
from sweeper.config.space import Space
from sweeper.trial import Config

ENOUGH = 3
"""Observations below which nothing is said."""

_RIDGE = 0.3  # as if so many observations had said that a parameter changes nothing


class PaceModel:
    """A ridge regression of log(device-seconds an epoch) on the parameters.

    Costs of layers, pixels and filters multiply, so they add up in the logarithm; a number enters by
    its logarithm, a name by an indicator of its own. Learning is O(d^2), a question O(d), except for the
    first one after new knowledge, which solves d equations.
    """

    def __init__(self, space: Space) -> None:
        self._parameters = [(name, p) for name, p in space.parameters.items() if len(p.extremes()) > 1]
        self._names = {
            name: tuple(parameter.extremes())
            for name, parameter in self._parameters
            if not all(map(_is_number, parameter.extremes()))
        }
        width = 1 + sum(len(self._names.get(name, "ab")) for name, _ in self._parameters)
        self._gram = np.zeros((width, width))
        self._moment = np.zeros(width)
        self._weights: np.ndarray | None = None
        self.count = 0

    def learn(self, config: Config, seconds_per_epoch: float) -> None:
        """Learn one trial's pace in device-seconds; a value that is not positive is ignored."""
        if not 0 < seconds_per_epoch < math.inf:
            return
        row = self._row(config)
        self._gram += np.outer(row, row)
        self._moment += row * math.log(seconds_per_epoch)
        self._weights = None
        self.count += 1

    def seconds_per_epoch(self, config: Config) -> float | None:
        """Return the device-seconds of an epoch of the configuration; None before three observations."""
        if self.count < ENOUGH:
            return None
        if self._weights is None:
            penalty = _RIDGE * np.eye(len(self._moment))
            penalty[0, 0] = 1e-9  # the mean is not held back
            self._weights = np.linalg.solve(self._gram + penalty, self._moment)
        return float(np.exp(np.clip(self._row(config) @ self._weights, -50, 50)))

    def _row(self, config: Config) -> np.ndarray:
        values = [1.0]
        for name, parameter in self._parameters:
            if name in self._names:
                values.extend(_indicators(config.get(name), self._names[name]))
            else:
                values.extend(_numbers(config.get(name), parameter))
        return np.array(values)


def _indicators(value: object, known: Sequence[object]) -> Iterator[float]:
    """Return 1 for the value's own name; of a list the share of each."""
    items = value if isinstance(value, list) else [value]
    for name in known:
        yield sum(is_same(item, name) for item in items) / max(1, len(items))


def _numbers(value: object, parameter: Parameter) -> tuple[float, float]:
    """Return the number on its scale (of a list the mean) and the count: (0, 0) where it is absent."""
    items = [item for item in (value if isinstance(value, list) else [value]) if _is_number(item)]
    if not items:
        return 0.0, 0.0
    low, high = parameter.extremes()[0], parameter.extremes()[-1]
    if low > 0:
        return sum(math.log(item / low) for item in items) / len(items), math.log(len(items)) + 1
    return sum((item - low) / (high - low) for item in items) / len(items), math.log(len(items)) + 1


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
