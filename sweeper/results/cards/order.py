"""The configurations of a sweep, or its single trials, in the order that somebody asks for."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from sweeper.errors import StateError
from sweeper.results.card import Card, Table
from sweeper.results.cards.worth import most_efficient_row, top5_of, why_none_is
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow, points
from sweeper.results.pareto import efficiency
from sweeper.results.phrases import cells, label_text, unit_text

Order = Literal["score", "efficiency", "cost"]


def ranking(board: Leaderboard) -> Card:
    """The numbers of all that have a score, the best first."""
    return Card("Ranking", {"ranking": [row.number for row in board.rows if row.rank is not None]})


def ranked_by(board: Leaderboard, by: Order, count: int) -> Card:
    """The first `count` rows in full; StateError where nothing can be ranked by efficiency."""
    rows = _ordered(board, by)[:count]
    facts = {"by": by, "trials_ranked": [row.as_dict() for row in rows]}
    return Card("Ranking", facts, tables=[ranking_table(board, rows, has_ratio=by == "efficiency")])


def ranking_table(board: Leaderboard, rows: Sequence[LeaderboardRow], *, has_ratio: bool = False) -> Table:
    """The rows as they come, with their runs where a configuration has several, or with what each is
    worth."""
    ratios = _ratios(board, rows) if has_ratio else {}
    has_repeats = any(row.runs > 1 for row in rows)
    columns = ["rank", "trial", board.objective.metric, unit_text(board), "epochs", "state"]
    columns += [f"points per {unit_text(board, is_one=True)}"] if ratios else []
    columns += ["runs", "configuration"] if has_repeats else ["configuration"]
    made: list[tuple[str, ...]] = []
    for row in rows:
        runs = (f"{row.runs}{' final' if row.is_final else ''}",) if has_repeats else ()
        figures = (str(row.rank or "-"), *cells(board, row), str(row.state), *runs)
        worth = (f"{100 * ratios.get(row.number, math.nan):.4g}",) if ratios else ()
        made.append((*figures[:6], *worth, *figures[6:], label_text(board, row)))
    return Table(columns, made, left=("configuration",), folded="configuration")


def _ordered(board: Leaderboard, by: Order) -> list[LeaderboardRow]:
    scored = [row for row in board.rows if row.score is not None]
    if by == "cost":
        scored.sort(key=lambda row: row.cost(board.cost))
    elif by == "efficiency":
        scored = _by_efficiency(board, scored)
    return [replace(row, rank=rank) for rank, row in enumerate(scored, 1)]


def _by_efficiency(board: Leaderboard, rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Those that reach the floor, the best ratio first."""
    found = most_efficient_row(board)
    if found is None:
        where = board.sweep.spec.name
        raise StateError(f"{why_none_is(board)}: nothing to rank", where=where, hint="--by score")
    worth = _ratios(board, rows)
    reached = [
        row
        for row in rows
        if (top5_of(row, board) if found.is_floor_given else row.score or 0.0) >= found.floor
    ]
    return sorted(reached, key=lambda row: -worth.get(row.number, -math.inf))


def _ratios(board: Leaderboard, rows: Sequence[LeaderboardRow]) -> dict[int, float]:
    """Score above chance for a unit of cost, of each row that has a cost."""
    cloud = points(rows, board.objective.goal, board.cost)
    return {point.number: efficiency(point, board.chance or 0.0) for point in cloud}
