"""This module puts sweeps side by side: fronts on common axes, what they found, and what they spent."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sweeper.errors import SpecError, StateError
from sweeper.results.anytime import Anytime, Step, anytime_of, spent_until
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow, points
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
from sweeper.wording import Cost

LEVELS = 6


@dataclass(frozen=True, slots=True)
class Side:
    """One sweep of the comparison. `area` is its front's hypervolume.

    `reached` says what it had spent when it was as good as another's best, and None where it never was.
    `ratio` is the best score above chance for a unit of cost, among its trials from the common floor up.
    """

    board: Leaderboard
    anytime: Anytime
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


@dataclass(frozen=True, slots=True)
class _Axes:
    """The axes on which every front is measured; values are better when higher."""

    worst: float
    dearest: float
    best: float
    chance: float | None
    floor: float | None


def compare_sweeps(boards: Sequence[Leaderboard]) -> Comparison:
    """Compare the sweeps; SpecError where metrics or goals differ. Other doubts become warnings."""
    _refuse(boards)
    objective = boards[0].objective
    cost = _cost(boards)
    clouds = [points(board.configurations, objective.goal, cost) for board in boards]
    axes = _axes(boards, clouds)
    fronts = [front(cloud) for cloud in clouds]
    spent = [anytime_of(board.sweep) for board in boards]
    by_name = dict(zip((board.sweep.spec.name for board in boards), spent, strict=True))
    sides = [
        Side(
            board=board,
            anytime=mine,
            front=[board.by_number[point.number] for point in bend],
            area=hypervolume(bend, value=axes.worst, cost=axes.dearest),
            ratio=_ratio(bend, axes),
            reached=_reached(mine, by_name, objective.goal),
        )
        for board, mine, bend in zip(boards, spent, fronts, strict=True)
    ]
    costs = [point.cost for bend in fronts for point in bend]
    return Comparison(
        metric=objective.metric,
        goal=objective.goal,
        cost=cost,
        sides=sides,
        worst=objective.goal.sign * axes.worst,
        dearest=axes.dearest,
        whole=axes.dearest * (axes.best - axes.worst),
        floor=axes.floor,
        levels=[(level, _best_at(level, boards, fronts)) for level in _levels(costs)],
        warnings=_warnings(boards, cost),
    )


def _axes(boards: Sequence[Leaderboard], clouds: Sequence[Sequence[Point]]) -> _Axes:
    """Return axes whose corner is chance level, or the worst of any front, at 1.1 times the dearest cost."""
    known = [point for cloud in clouds for point in front(cloud)]
    chances = {board.chance for board in boards}
    chance = chances.pop() if len(chances) == 1 else None
    worst = min(point.value for point in known) if chance is None else chance
    floor = None if chance is None else _floor(boards, clouds, chance)
    best = max(point.value for point in known)
    return _Axes(worst, 1.1 * max(point.cost for point in known), best, chance, floor)


def _floor(boards: Sequence[Leaderboard], clouds: Sequence[Sequence[Point]], chance: float) -> float:
    """One for all: that of the sweep whose best is lowest."""
    pairs = zip(boards, clouds, strict=True)
    return min(default_floor(cloud, chance, board.images) for board, cloud in pairs if cloud)


def _ratio(bend: Sequence[Point], axes: _Axes) -> float | None:
    """Return the best ratio. It lies on the front: what beats a point on both axes has the better ratio."""
    if axes.chance is None or axes.floor is None:
        return None
    winner = most_efficient(bend, chance=axes.chance, floor=axes.floor)
    return efficiency(winner, axes.chance) if winner else None


def _refuse(boards: Sequence[Leaderboard]) -> None:
    for one, other in pairwise(board.sweep.spec for board in boards):
        mine, theirs = one.objective, other.objective
        if (mine.metric, mine.goal) != (theirs.metric, theirs.goal):
            text = f"{one.name} ranks by {mine.metric}, {other.name} ranks by {theirs.metric}"
            raise SpecError(text, hint="sweeps compare where objective.metric is the same")
    if all(board.best is None for board in boards):
        names = ", ".join(board.sweep.spec.name for board in boards)
        raise StateError("no trial has a score yet", where=names)


def _cost(boards: Sequence[Leaderboard]) -> Cost:
    """Return the unit that all sweeps count in; device-hours where they differ or a price is unknown."""
    kinds = {board.cost for board in boards}
    kind = boards[0].cost if len(kinds) == 1 else "gpu_hours"
    scored = [row for board in boards for row in board.configurations if row.score is not None]
    return kind if any(math.isfinite(row.cost(kind)) for row in scored) else "gpu_hours"


def _reached(mine: Anytime, all_of: Mapping[str, Anytime], goal: Goal) -> dict[str, Step | None]:
    return {
        name: spent_until(mine.steps, other.steps[-1].score, goal)
        for name, other in all_of.items()
        if other is not mine and other.steps
    }


def _levels(costs: Sequence[float]) -> list[float]:
    """Return costs from the cheapest to the dearest in equal ratios, rounded up to two digits."""
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
    level: float, boards: Sequence[Leaderboard], fronts: Sequence[Sequence[Point]]
) -> list[LeaderboardRow | None]:
    found = [best_within(bend, level) for bend in fronts]
    return [board.by_number[at.number] if at else None for board, at in zip(boards, found, strict=True)]


def _warnings(boards: Sequence[Leaderboard], cost: Cost) -> list[str]:
    doubts: list[str] = []
    digests = {board.sweep.spec.name: board.sweep.meta.get("data_digest") for board in boards}
    if len(set(digests.values())) > 1:
        each = ", ".join(f"{name} {(digest or 'unknown')[:12]}" for name, digest in digests.items())
        doubts.append(f"their images or splits differ ({each}): their scores do not measure the same thing")
    if len({board.has_gpu for board in boards if board.best}) > 1 and cost != "usd":
        doubts.append("some ran on GPUs, some on CPU slots: their device time is not the same thing")
    if any(board.cost != cost for board in boards):
        doubts.append("they count cost in different units, or a price is unknown: compared in device-hours")
    return doubts
