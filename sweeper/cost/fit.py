"""Fits a pace to timed epochs by non-negative least squares, held near the device's table."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from sweeper.cost import Pace, Timing, terms

HELD = 0.1
"""How strongly a cost is held to a typical one: a tenth of the pull of one timed epoch."""


def fitted(timings: Sequence[Timing], table: Pace) -> Pace:
    """Move the table's costs to where they meet the timed epochs with the least relative error.

    The table is first scaled as a whole, then each of its costs is moved: three epochs cannot tell six
    costs apart, so a cost that they do not show stays where it was. `single` and `common` of the table are
    kept: the caller decides how sure the fit is.
    """
    seconds = np.array([timing.seconds for timing in timings])
    rows = np.array([terms(timing.work) for timing in timings]) * np.array(table.costs)
    shares = rows / seconds[:, None]
    scale = 1 / math.exp(float(np.mean(np.log(shares.sum(1)))))
    factors = _solved(shares * scale)
    costs = tuple(float(cost * scale * factor) for cost, factor in zip(table.costs, factors, strict=True))
    return Pace(costs, table.common, table.single, table.source, len(timings))


def left_out(timings: Sequence[Timing], table: Pace) -> float:
    """Return the RMS of the logarithmic error, each epoch foreseen from the others; NaN below three."""
    if len(timings) < 3:
        return math.nan
    errors: list[float] = []
    for place, timing in enumerate(timings):
        others = [*timings[:place], *timings[place + 1 :]]
        errors.append(math.log(timing.seconds / fitted(others, table).seconds(timing.work)))
    return math.sqrt(sum(error * error for error in errors) / len(errors))


def _solved(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return factors of the table's costs, near 1, whose shares add up to 1 in each row."""
    count = shares.shape[1]
    matrix = np.vstack([shares, HELD * np.eye(count)])
    target = np.concatenate([np.ones(len(shares)), np.full(count, HELD)])
    return np.asarray(nnls(matrix, target)[0])
