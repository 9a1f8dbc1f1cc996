"""This module estimates how long a sweep will take still, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_THINNED = 1.01
"""What was foretold is kept once for each hundredth by which the time has grown."""
_TOLD_FOR = 0.75
"""How sure a forecast is can be told once there have been forecasts for the last quarter of the time."""


@dataclass
class Foretold:
    """Remembers each end that was foretold, to say how far forecasts of the last half of the time differ."""

    _ends: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    def range(self, eta: float | None, wall: float) -> tuple[float, float] | None:
        """Return the least and the most that was foretold since half of the time, seen from now."""
        if eta is None:
            return None
        if not self._ends or wall >= self._ends[-1][0] * _THINNED:
            self._ends.append((wall, wall + eta))
        self._ends = [(at, end) for at, end in self._ends if at >= wall / 2]
        if self._ends[0][0] > _TOLD_FOR * wall:
            return None
        ends = [end for _, end in self._ends]
        return max(0.0, min(*ends, wall + eta) - wall), max(*ends, wall + eta) - wall


def eta_of(budgets: Mapping[str, float], wall_seconds: float, before_work: float) -> float | None:
    """Estimate the end from the limit that will be reached first, each at its pace until now.

    There is no estimate before 5 % of it are used.
    """
    ends: list[float] = []
    for name, used in budgets.items():
        if used >= 0.05:
            seconds = wall_seconds - (0.0 if name == "wall hours" else before_work)
            ends.append(max(0.0, seconds) * max(0.0, 1 / used - 1))
    return min(ends, default=None)
