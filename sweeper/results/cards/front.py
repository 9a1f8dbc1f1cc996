"""The Pareto front of score and cost, where it bends, and all configurations as a picture."""

import math
from dataclasses import replace

from sweeper.drawing.looks import Appearance, look_of
from sweeper.results.card import Card, Mark, Name, NotYet, Picture, Stairs, Table
from sweeper.results.cards.worth import most_efficient_row
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.results.pareto import front as front_of
from sweeper.results.pareto import front_of_three
from sweeper.results.pareto import knee as knee_of
from sweeper.results.phrases import about, cells, label_text, mean_text, unit_text
from sweeper.trial import Goal
from sweeper.wording import Cost, device_unit


def front(board: Leaderboard) -> Card:
    """The Pareto front, cheapest first; the knee is marked."""
    metric, rows, bend = board.objective.metric, front_rows(board), knee_row(board)
    way = "up" if board.objective.goal is Goal.MAXIMIZE else "down"
    third = board.objective.third_axis
    title = f"Pareto front: {metric} {way}, {unit_text(board)} down" + (f", {third} down" if third else "")
    more = (third,) if third else ()
    columns = ("trial", metric, unit_text(board), "epochs", *more, "", "configuration")
    made = [
        (
            *cells(board, row),
            *(f"{row.metrics.get(name, math.nan):,.4g}" for name in more),
            "knee" if row is bend else "",
            label_text(board, row),
        )
        for row in rows
    ]
    table = Table(columns, made, title, left=("", "configuration"), folded="configuration")
    facts = {"front": [row.as_dict() for row in rows]}
    return Card(title, facts, tables=[table], picture=lambda: front_picture(board))


def knee(board: Leaderboard) -> Card | NotYet:
    """Where the front bends most: beyond it, more money brings little."""
    row = knee_row(board)
    if row is None:
        return NotYet("the front has no bend", {"knee": None})
    title = "Knee of the front"
    return Card(title, {"knee": row.number}, trial=row.number, lines=about(title, board, row))


def front_rows(board: Leaderboard) -> list[LeaderboardRow]:
    """The configurations that no other beats in both (with `third_axis` in all three), the cheapest first."""
    if third := board.objective.third_axis:
        sized = [
            replace(point, size=board.by_number[point.number].metrics.get(third, math.nan))
            for point in board.points
        ]
        return [board.by_number[point.number] for point in front_of_three(sized)]
    return [board.by_number[point.number] for point in front_of(board.points)]


def knee_row(board: Leaderboard) -> LeaderboardRow | None:
    """The knee among points of at least half the best gain over chance: a useless network is no advice."""
    cloud, chance = board.points, board.chance
    if chance is not None:
        half = (chance + max((point.value for point in cloud), default=chance)) / 2
        cloud = [point for point in cloud if point.value >= half]
    bend = knee_of(cloud)
    return board.by_number[bend.number] if bend else None


def front_picture(board: Leaderboard) -> Picture:
    """Every scored configuration, the front as a line, best, knee and most efficient by name.

    Configurations of several runs show their mean and its 95 % interval.
    """
    cost, spec = board.cost, board.sweep.spec
    rows = [row for row in board.configurations if row.score is not None and row.cost(cost) > 0]
    places = [(row.cost(cost), row.score or 0.0) for row in front_rows(board) if row.cost(cost) > 0]
    return Picture(
        title=f"{spec.name}: {board.objective.metric} against cost",
        metric=board.objective.metric,
        across=f"cost of the trial, {axis_unit(cost, board.has_gpu)}",
        is_log=True,
        marks=[mark(row, cost, look_of(row.state)) for row in rows],
        stairs=[] if board.objective.third_axis else [Stairs(places, "Pareto front")],
        names=_names(board),
        kinds=list(dict.fromkeys(look_of(row.state) for row in rows)),
    )


def mark(row: LeaderboardRow, cost: Cost, look: Appearance, whose: str = "") -> Mark:
    """The row as a dot that tells its configuration."""
    config = ", ".join(f"{key} {value}" for key, value in row.config.items())
    said = f"{whose}trial {row.number}: {config}"
    return Mark(row.cost(cost), row.score or 0.0, said, look.color, look.symbol, row.half_width)


def axis_unit(cost: Cost, has_gpu: bool) -> str:
    """The unit below an axis of cost."""
    return device_unit(cost) + ("" if has_gpu or cost == "usd" else " (of CPU slots)")


def _names(board: Leaderboard) -> list[Name]:
    efficient = most_efficient_row(board)
    named: dict[int, list[str]] = {}
    wanted = {"best": board.best, "knee": knee_row(board), "most efficient": efficient and efficient.row}
    for name, row in wanted.items():
        if row and row.cost(board.cost) > 0:
            named.setdefault(row.number, []).append(name)
    made: list[Name] = []
    for number, names in named.items():
        row = board.by_number[number]
        text = f"{', '.join(names)}: trial {number}, {mean_text(board.objective.metric, row)}"
        made.append(Name(row.cost(board.cost), row.score or 0.0, text, is_above=row is board.best))
    return made
