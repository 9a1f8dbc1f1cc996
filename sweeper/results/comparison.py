"""Several sweeps side by side: their fronts on common axes, what they found, and what they spent on it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sweeper.errors import SpecError, StateError
from sweeper.results.answer import Answer
from sweeper.results.anytime import Step, spent_until
from sweeper.results.leaderboard import Cost, LeaderboardRow, points
from sweeper.results.pareto import (
    Point,
    best_within,
    default_floor,
    efficiency,
    front,
    hypervolume,
    most_efficient,
)
from sweeper.trial import Goal

LEVELS = 6


@dataclass(frozen=True, slots=True)
class Side:
    """One sweep of the comparison. `area` is its front's hypervolume; `reached` says what it had spent when
    it was as good as another's best, None where it never was. `ratio` is the best score above chance for
    a unit of cost, among its trials from the common floor up.
    """

    answer: Answer
    front: Sequence[LeaderboardRow]
    area: float
    ratio: float | None
    reached: Mapping[str, Step | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`worst` and `dearest` are the corner that areas are measured from, `whole` the area up to the best
    score at no cost; `levels` the best of each sweep, in the order of `sides`, for a few costs of one trial.
    """

    metric: str
    goal: Goal
    cost: Cost
    sides: Sequence[Side]
    worst: float
    dearest: float
    whole: float
    floor: float | None
    levels: Sequence[tuple[float, Sequence[LeaderboardRow | None]]]
    warnings: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "metric": self.metric,
            "goal": self.goal,
            "cost": self.cost,
            "reference": {"score": self.worst, "cost": self.dearest},
            "efficiency_floor": self.floor,
            "warnings": list(self.warnings),
            "sweeps": [self._side(side) for side in self.sides],
            "best_within": [
                {"budget": level, "scores": [row.score if row else None for row in rows]}
                for level, rows in self.levels
            ],
        }

    def _side(self, side: Side) -> dict[str, Any]:
        found = side.answer
        return {
            "sweep": found.sweep,
            "best": found.best.as_dict() if found.best else None,
            "front": [row.as_dict() for row in side.front],
            "hypervolume": side.area,
            "hypervolume_share": side.area / self.whole if self.whole > 0 else None,
            "efficiency": side.ratio,
            "trials": sum(found.states.values()),
            "device": "gpu" if found.has_gpu else "cpu_slot",
            "billed_device_seconds": found.billed_device_seconds,
            "usd": found.usd,
            "wall_seconds": found.wall_seconds,
            "anytime": found.anytime.as_dict(),
            "reached_best_of": {
                name: {"device_seconds": step.device_seconds, "usd": step.usd} if step else None
                for name, step in side.reached.items()
            },
        }


@dataclass(frozen=True, slots=True)
class _Axes:
    """What every front is measured with; values are better when higher."""

    cost: Cost
    worst: float
    dearest: float
    best: float
    chance: float | None
    floor: float | None


def compare_sweeps(answers: Sequence[Answer], digests: Sequence[str | None]) -> Comparison:
    """SpecError where metrics or goals differ; what else makes a comparison doubtful is a warning of it."""
    _refuse(answers)
    first = answers[0]
    goal = Goal.MAXIMIZE if first.is_maximized else Goal.MINIMIZE
    cost = _cost(answers)
    clouds = [points(found.rows, goal, cost) for found in answers]
    fronts = [front(cloud) for cloud in clouds]
    axes = _axes(answers, clouds, cost)
    sides = [
        _side(found, bend, axes, _reached(found, answers, goal))
        for found, bend in zip(answers, fronts, strict=True)
    ]
    costs = [point.cost for bend in fronts for point in bend]
    return Comparison(
        metric=first.metric,
        goal=goal,
        cost=cost,
        sides=sides,
        worst=axes.worst if first.is_maximized else -axes.worst,
        dearest=axes.dearest,
        whole=axes.dearest * (axes.best - axes.worst),
        floor=axes.floor,
        levels=[(level, _best_at(level, answers, fronts)) for level in _levels(costs)],
        warnings=_warnings(answers, digests, cost),
    )


def _axes(answers: Sequence[Answer], clouds: Sequence[Sequence[Point]], cost: Cost) -> _Axes:
    """The corner: chance level or the worst of any front, at a tenth more than the dearest of them cost."""
    known = [point for cloud in clouds for point in front(cloud)]
    chances = {found.chance for found in answers}
    chance = chances.pop() if len(chances) == 1 else None
    worst = min(point.value for point in known) if chance is None else chance
    floor = None if chance is None else min(default_floor(cloud, chance) for cloud in clouds if cloud)
    best = max(point.value for point in known)
    return _Axes(cost, worst, 1.1 * max(point.cost for point in known), best, chance, floor)


def _side(found: Answer, bend: Sequence[Point], axes: _Axes, reached: Mapping[str, Step | None]) -> Side:
    rows, ratio = _by_number(found), None
    if axes.chance is not None and axes.floor is not None:
        # the most efficient of all is on the front: what beats it on both axes has the better ratio
        winner = most_efficient(bend, chance=axes.chance, floor=axes.floor)
        ratio = efficiency(winner, axes.chance) if winner else None
    area = hypervolume(bend, value=axes.worst, cost=axes.dearest)
    return Side(found, [rows[point.number] for point in bend], area, ratio, reached)


def _refuse(answers: Sequence[Answer]) -> None:
    for one, other in pairwise(answers):
        if (one.metric, one.is_maximized) != (other.metric, other.is_maximized):
            mine, theirs = (f"{found.sweep} ranks by {found.metric}" for found in (one, other))
            raise SpecError(f"{mine}, {theirs}", hint="sweeps compare where objective.metric is the same")
    if all(found.best is None for found in answers):
        raise StateError("no trial has a score yet", where=", ".join(found.sweep for found in answers))


def _cost(answers: Sequence[Answer]) -> Cost:
    """The unit that all of them count in, device-hours where they do not agree or a price is unknown."""
    kinds = {found.cost for found in answers}
    kind = answers[0].cost if len(kinds) == 1 else "gpu_hours"
    scored = [row for found in answers for row in found.rows if row.score is not None]
    return kind if any(math.isfinite(row.cost(kind)) for row in scored) else "gpu_hours"


def _by_number(found: Answer) -> dict[int, LeaderboardRow]:
    return {row.number: row for row in found.rows}


def _reached(found: Answer, answers: Sequence[Answer], goal: Goal) -> dict[str, Step | None]:
    others = [other for other in answers if other is not found and other.anytime.steps]
    return {
        other.sweep: spent_until(found.anytime.steps, other.anytime.steps[-1].score, goal) for other in others
    }


def _levels(costs: Sequence[float]) -> list[float]:
    """From the cheapest to the dearest in equal ratios, two digits each, rounded up."""
    paid = [cost for cost in costs if cost > 0]
    if not paid:
        return []
    low, high = math.log(min(paid)), math.log(max(paid))
    exact = [math.exp(low + (high - low) * step / (LEVELS - 1)) for step in range(LEVELS)]
    return sorted({_rounded_up(cost) for cost in exact})


def _rounded_up(cost: float) -> float:
    power = math.floor(math.log10(cost)) - 1
    return float(f"{math.ceil(cost / 10.0**power - 1e-9)}e{power}")


def _best_at(
    level: float, answers: Sequence[Answer], fronts: Sequence[Sequence[Point]]
) -> list[LeaderboardRow | None]:
    found = [best_within(bend, level) for bend in fronts]
    rows = [_by_number(answer) for answer in answers]
    return [mine[point.number] if point else None for mine, point in zip(rows, found, strict=True)]


def _warnings(answers: Sequence[Answer], digests: Sequence[str | None], cost: Cost) -> list[str]:
    said: list[str] = []
    if len(set(digests)) > 1:
        each = ", ".join(f"{a.sweep} {(d or 'unknown')[:12]}" for a, d in zip(answers, digests, strict=True))
        said.append(f"their images or splits differ ({each}): their scores do not measure the same thing")
    if len({found.has_gpu for found in answers if found.best}) > 1 and cost != "usd":
        said.append("some ran on GPUs, some on CPU slots: their device time is not the same thing")
    if any(found.cost != cost for found in answers):
        said.append("they count cost in different units, or a price is unknown: compared in device-hours")
    return said
