"""The configuration that is worth its cost: the best ratio of score above chance to cost."""

from dataclasses import dataclass

from sweeper.results.card import Card, Entry, NotYet
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.results.pareto import default_floor, most_efficient
from sweeper.results.pareto import efficiency as efficiency_of
from sweeper.results.phrases import about, unit_text
from sweeper.trial import Goal
from sweeper.wording import score_text


@dataclass(frozen=True, slots=True)
class Efficient:
    """The best ratio of score above chance to cost, among trials that reach the floor."""

    row: LeaderboardRow
    ratio: float
    chance: float
    floor: float
    is_floor_given: bool


def efficiency(board: Leaderboard) -> Card | NotYet:
    """The most efficient configuration, and who competed."""
    found, metric = most_efficient_row(board), board.objective.metric
    if found is None:
        return NotYet(why_none_is(board), {"efficient": None})
    floor = score_text("valid/top5" if found.is_floor_given else metric, found.floor)
    set_by = "valid/top5: min_top5" if found.is_floor_given else "nine tenths of the best gain over chance"
    ratio = f"{100 * found.ratio:.4g} points above chance per {unit_text(board, is_one=True)}"
    reason = Entry("", f"{ratio}, among trials from {floor} up ({set_by})", "dim")
    facts = {
        "trial": found.row.as_dict(),
        "ratio": found.ratio,
        "chance": found.chance,
        "floor": found.floor,
    }
    lines = [*about("Most efficient", board, found.row), reason]
    return Card("Most efficient", {"efficient": facts}, trial=found.row.number, lines=lines)


def most_efficient_row(board: Leaderboard) -> Efficient | None:
    """Only for an accuracy: a loss has no chance level, and so no gain over it."""
    chance, given = board.chance, board.objective.min_top5
    if chance is None or board.objective.goal is Goal.MINIMIZE:
        return None
    floor = default_floor(board.points, chance) if given is None else given
    rows = board.by_number
    competing = [
        point for point in board.points if given is None or top5_of(rows[point.number], board) >= given
    ]
    winner = most_efficient(competing, chance=chance, floor=floor if given is None else chance)
    if winner is None:
        return None
    return Efficient(rows[winner.number], efficiency_of(winner, chance), chance, floor, given is not None)


def why_none_is(board: Leaderboard) -> str:
    """Why no configuration is the most efficient."""
    reason = "has no chance level" if board.chance is None else "is above chance and the floor nowhere"
    return f"{board.objective.metric} {reason}"


def top5_of(row: LeaderboardRow, board: Leaderboard) -> float:
    """The row's mean where the sweep ranks by top-5, else the top-5 of its best trial's best epoch."""
    is_ranked_by = board.objective.metric == "valid/top5"
    return (row.score or 0.0) if is_ranked_by else row.metrics.get("valid/top5", 0.0)
