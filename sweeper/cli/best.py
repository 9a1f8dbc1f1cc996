"""`sweeper best`: the answer again, and the ranking behind it."""

import dataclasses
from typing import get_args

import click

from sweeper.cli.parts.answer_page import board_of, print_page
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json
from sweeper.errors import StateError
from sweeper.results.answer import answer
from sweeper.results.cards.order import Order, ranked_by
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.no_score import no_score
from sweeper.results.render_json import merged
from sweeper.results.stored_sweep import StoredSweep, stored


@click.command(epilog="Example:  sweeper best digits --by efficiency -n 5")
@sweep_name
@click.option("--by", type=click.Choice(get_args(Order)), help="Rank all trials by this instead.")
@click.option("--budget", type=click.FloatRange(min=0, min_open=True), help="Best trial that cost no more.")
@click.option("--min-top5", type=click.FloatRange(0, 1), help="Floor for efficiency, a fraction.")
@click.option("-n", "count", type=click.IntRange(min=1), help="Rows in the ranking. [default: 10]")
@click.option("--trials", "is_single", is_flag=True, help="Rank single trials: repeats and final runs apart.")
@as_json
def command(
    name: str,
    by: Order | None,
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
    sweep = _with_floor(stored(name), min_top5)
    board = board_of(sweep, budget=budget, is_single=is_single)
    _refuse_what_is_not_there(board)
    ranked = ranked_by(board, by or "score", count or 10)
    if as_json:
        print_json(merged((*answer(board).values(), ranked)))
    else:
        is_page = by is None and count is None and not is_single
        print_page(board, None if is_page else ranked)


def _with_floor(sweep: StoredSweep, min_top5: float | None) -> StoredSweep:
    if min_top5 is None:
        return sweep
    objective = sweep.spec.objective.model_copy(update={"min_top5": min_top5})
    return dataclasses.replace(sweep, spec=sweep.spec.model_copy(update={"objective": objective}))


def _refuse_what_is_not_there(board: Leaderboard) -> None:
    """Raise StateError where no trial has a score, or where each costs more than the budget."""
    name, scored = board.sweep.name, [row for row in board.configurations if row.score is not None]
    if not scored:
        problem, hint = no_score(board.sweep)
        raise StateError(problem, where=name, hint=hint)
    if board.best is None:
        cheapest = min(row.cost(board.cost) for row in scored)
        raise StateError(
            f"no trial cost {board.budget:g} {board.cost} or less",
            where=name,
            hint=f"the cheapest cost {cheapest:.3g}",
        )
