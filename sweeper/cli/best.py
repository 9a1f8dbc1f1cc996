"""`sweeper best`: the answer again, and the ranking behind it."""

import dataclasses
import math
import sys
from collections.abc import Sequence

import click
from rich.console import Console

from sweeper.cli.parts.answer_page import WIDTH, answer_of, drawn
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json
from sweeper.errors import StateError
from sweeper.results.answer import Answer, Within, top5_of
from sweeper.results.leaderboard import LeaderboardRow, points
from sweeper.results.pages import print_answer, print_leaderboard
from sweeper.results.pareto import best_within, efficiency
from sweeper.results.stored_sweep import StoredSweep, find, read
from sweeper.trial import Goal

ORDERS = ("score", "efficiency", "cost")


@click.command(epilog="Example:  sweeper best digits --by efficiency -n 5")
@sweep_name
@click.option("--by", type=click.Choice(ORDERS), help="Rank all trials by this instead.")
@click.option("--budget", type=click.FloatRange(min=0, min_open=True), help="Best trial that cost no more.")
@click.option("--min-top5", type=click.FloatRange(0, 1), help="Floor for efficiency, a fraction.")
@click.option("-n", "count", type=click.IntRange(min=1), help="Rows in the ranking. [default: 10]")
@click.option("--trials", "is_single", is_flag=True, help="Rank single trials: repeats and final runs apart.")
@as_json
def command(
    sweep: str,
    by: str | None,
    budget: float | None,
    min_top5: float | None,
    count: int | None,
    is_single: bool,
    as_json: bool,
) -> None:
    """Say which network of SWEEP is best, how sure that is, which is worth its cost, and what they took.

    --budget counts in the sweep's own unit of cost (objective.cost). Works while the sweep runs.
    Repeats and final runs of a configuration count as one, by their mean.
    """
    told = _with_floor(read(find(sweep)), min_top5)
    answer = drawn(answer_of(told), told.paths)
    if answer.best is None:
        raise StateError("no trial has a score yet", where=sweep, hint=f"sweeper status {sweep}")
    if budget is not None:
        answer = _within(answer, budget, sweep)
    if is_single:
        answer = dataclasses.replace(answer, rows=_affordable(answer.trials, answer, budget))
    ranked = _ordered(answer, by or "score")
    if as_json:
        rows = [row.as_dict() for row in ranked[: count or 10]]
        print_json(answer.as_dict() | {"by": by or "score", "trials_ranked": rows})
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    if by is None and count is None and not is_single:
        print_answer(answer, console)
    else:
        print_leaderboard(dataclasses.replace(answer, rows=ranked), count or 10, console)


def _with_floor(told: StoredSweep, min_top5: float | None) -> StoredSweep:
    if min_top5 is None:
        return told
    objective = told.spec.objective.model_copy(update={"min_top5": min_top5})
    return dataclasses.replace(told, spec=told.spec.model_copy(update={"objective": objective}))


def _within(answer: Answer, budget: float, sweep: str) -> Answer:
    """The same answer with the best trial among those that cost at most so much."""
    goal = Goal.MAXIMIZE if answer.is_maximized else Goal.MINIMIZE
    best = best_within(points(answer.rows, goal, answer.cost), budget)
    if best is None:
        cheapest = min((row.cost(answer.cost) for row in answer.rows if row.score is not None), default=0.0)
        raise StateError(
            f"no trial cost {budget:g} {answer.cost} or less",
            where=sweep,
            hint=f"the cheapest cost {cheapest:.3g}",
        )
    affordable = _affordable(answer.rows, answer, budget)
    winner = next(row for row in affordable if row.number == best.number)
    within = (Within(budget, winner),)
    return dataclasses.replace(answer, best=winner, rows=affordable, within=within, certainty=None)


def _affordable(
    rows: Sequence[LeaderboardRow], answer: Answer, budget: float | None
) -> Sequence[LeaderboardRow]:
    return rows if budget is None else [row for row in rows if row.cost(answer.cost) <= budget]


def _ordered(answer: Answer, by: str) -> list[LeaderboardRow]:
    rows = [row for row in answer.rows if row.score is not None]
    if by == "cost":
        rows.sort(key=lambda row: row.cost(answer.cost))
    elif by == "efficiency":
        rows = _by_efficiency(rows, answer)
    return [dataclasses.replace(row, rank=rank) for rank, row in enumerate(rows, 1)]


def _by_efficiency(rows: Sequence[LeaderboardRow], answer: Answer) -> list[LeaderboardRow]:
    """Those that reach the floor, the best ratio first."""
    found = answer.efficient
    if found is None:
        reason = "has no chance level" if answer.chance is None else "is above chance and the floor nowhere"
        raise StateError(f"{answer.metric} {reason}: nothing to rank", where=answer.sweep, hint="--by score")
    goal = Goal.MAXIMIZE if answer.is_maximized else Goal.MINIMIZE
    worth = {point.number: efficiency(point, found.chance) for point in points(rows, goal, answer.cost)}
    reached = [
        row
        for row in rows
        if (top5_of(row, answer.metric) if found.is_floor_given else row.score or 0.0) >= found.floor
    ]
    return sorted(reached, key=lambda row: -worth.get(row.number, -math.inf))
