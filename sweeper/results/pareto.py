"""Score against cost: the front, its knee, the best for a budget, and efficiency. Pure functions.

A `Point`'s `value` is better when higher (a loss comes in negated) and its `cost` when lower. Points that
are not finite take part in nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sweeper.schedulers.parts.noise import told_apart


@dataclass(frozen=True, slots=True)
class Point:
    """One trial as two numbers, or three. `number` breaks ties: the earlier trial wins."""

    number: int
    value: float
    cost: float
    size: float = 0.0


def finite(points: Iterable[Point]) -> list[Point]:
    """Return the points that can be compared: those with a finite value and a finite cost of at least 0."""
    return [p for p in points if math.isfinite(p.value) and math.isfinite(p.cost) and p.cost >= 0]


def front(points: Iterable[Point]) -> list[Point]:
    """Return the points that no other beats on both axes, cheapest first; of equal points the earliest."""
    kept: list[Point] = []
    for point in sorted(finite(points), key=lambda p: (p.cost, -p.value, p.number)):
        if not kept or point.value > kept[-1].value:
            kept.append(point)
    return kept


def front_of_three(points: Iterable[Point]) -> list[Point]:
    """Return the points that no other equals or beats in value, cost and size at once, cheapest first."""
    known = [point for point in finite(points) if math.isfinite(point.size)]
    kept: list[Point] = []
    for point in sorted(known, key=lambda p: (p.cost, -p.value, p.size, p.number)):
        if not any(other.value >= point.value and other.size <= point.size for other in kept):
            kept.append(point)
    return kept


def knee(points: Iterable[Point]) -> Point | None:
    """Return where the front bends most: farthest above the line between its ends.

    None for fewer than three.
    """
    bend = front(points)
    if len(bend) < 3:
        return None
    first, last = bend[0], bend[-1]
    width, height = last.cost - first.cost, last.value - first.value
    if not math.isfinite(width * height) or min(width, height) <= 0:
        return None

    def above(point: Point) -> float:
        return (point.value - first.value) / height - (point.cost - first.cost) / width

    best = max(bend[1:-1], key=above)
    return best if above(best) > 0 else None


def best_within(points: Iterable[Point], cost: float) -> Point | None:
    """Return the point of best value among those that cost at most so much; the cheapest of equal ones."""
    affordable = [p for p in front(points) if p.cost <= cost]
    return affordable[-1] if affordable else None


def per_budget(points: Sequence[Point]) -> list[tuple[float, Point]]:
    """Return the best for a quarter, half and all of the dearest cost.

    Budgets that none fits are left out.
    """
    dearest = max((p.cost for p in finite(points)), default=0.0)
    limits = [dearest * share for share in (0.25, 0.5, 1.0)] if dearest > 0 else []
    return [(limit, best) for limit in limits if (best := best_within(points, limit))]


def cheapest_reaching(points: Iterable[Point], value: float) -> Point | None:
    """Return the cheapest point whose value is at least so high."""
    return next((p for p in front(points) if p.value >= value), None)


def efficiency(point: Point, chance: float) -> float:
    """Return the value above chance for one unit of cost; 0, and not infinity, for what costs nothing."""
    return (point.value - chance) / point.cost if point.cost > 0 else -math.inf


def most_efficient(points: Iterable[Point], *, chance: float, floor: float) -> Point | None:
    """The best ratio among points of at least `floor`; without one, chance level after a second wins."""
    good = [p for p in finite(points) if p.value >= floor and p.value > chance and p.cost > 0]
    return max(good, key=lambda p: (efficiency(p, chance), p.value, -p.number), default=None)


def default_floor(points: Sequence[Point], chance: float, images: int | None = None) -> float:
    """Return the floor where the user sets none: what cannot be told from the best on so many validation
    images. Where their number is unknown, nine tenths of the best trial's gain over chance."""
    best = max((p.value for p in finite(points)), default=chance)
    if images:
        return max(chance, told_apart(best, images))
    return chance + 0.9 * max(0.0, best - chance)


def hypervolume(points: Iterable[Point], *, value: float, cost: float) -> float:
    """Return the area that the front dominates, down to `value` and up to `cost`: larger is better."""
    inside = [p for p in front(points) if p.value > value and p.cost < cost]
    ends = [*(p.cost for p in inside), cost]
    widths = [right - left for left, right in pairwise(ends)]
    return sum((p.value - value) * width for p, width in zip(inside, widths, strict=True))
