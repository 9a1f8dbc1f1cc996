"""These cards show configurations that are worth their cost: by ratio, for a budget, and at the target."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweeper.results.card import Card, NotYet, Table, Words
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.results.pareto import cheapest_reaching, default_floor, most_efficient, per_budget
from sweeper.results.pareto import efficiency as efficiency_of
from sweeper.results.phrases import about, cost_text, label_text, mean_text, unit_text
from sweeper.trial import Goal
from sweeper.wording import counted, score_text


@dataclass(frozen=True, slots=True)
class Efficient:
    """The best ratio of score above chance to cost, among trials that reach the floor.

    `below` are the configurations that do not, `cheaper` those of them that cost less.
    """

    row: LeaderboardRow
    ratio: float
    chance: float
    floor: float
    is_floor_given: bool
    below: int
    cheaper: int


def efficiency(board: Leaderboard) -> Card | NotYet:
    """Show the most efficient configuration, and which ones competed."""
    found, metric = most_efficient_row(board), board.objective.metric
    if found is None:
        return NotYet(why_none_is(board), {"efficient": None})
    floor = score_text("valid/top5" if found.is_floor_given else metric, found.floor)
    ratio = f"{100 * found.ratio:.4g} points above chance per {unit_text(board, is_one=True)}"
    left_out = f"below it: {counted(found.below, 'configuration')}, of which {found.cheaper} cost less"
    reasons = [
        Words("", f"{ratio}, the most of those from {floor} up", "dim"),
        Words("", f"{_floor_text(board, found)}; {left_out}", "dim"),
    ]
    facts = {
        "trial": found.row.as_dict(),
        "ratio": found.ratio,
        "chance": found.chance,
        "floor": found.floor,
        "below_floor": found.below,
        "below_floor_and_cheaper": found.cheaper,
    }
    lines = [*about("Most efficient", board, found.row), *reasons]
    return Card("Most efficient", {"efficient": facts}, trial=found.row.number, lines=lines)


def _floor_text(board: Leaderboard, found: Efficient) -> str:
    """Whose floor it is."""
    if found.is_floor_given:
        return "the floor is valid/top5: min_top5"
    if board.images:
        return f"the floor: on {board.images:,} validation images, all above it tie with the best"
    return "the floor is nine tenths of the best gain over chance"


def most_efficient_row(board: Leaderboard) -> Efficient | None:
    """Return the most efficient row of an accuracy; a loss has no chance level, and so no gain over it."""
    chance, given = board.chance, board.objective.min_top5
    if chance is None or board.objective.goal is Goal.MINIMIZE:
        return None
    floor = default_floor(board.points, chance, board.images) if given is None else given
    rows = board.by_number
    competing = [
        point for point in board.points if given is None or top5_of(rows[point.number], board) >= given
    ]
    winner = most_efficient(competing, chance=chance, floor=floor if given is None else chance)
    if winner is None:
        return None
    reached = {p.number for p in competing if given is not None or p.value >= floor}
    below = [point for point in board.points if point.number not in reached]
    cheaper = sum(point.cost < winner.cost for point in below)
    ratio = efficiency_of(winner, chance)
    return Efficient(rows[winner.number], ratio, chance, floor, given is not None, len(below), cheaper)


def why_none_is(board: Leaderboard) -> str:
    """Say why no configuration is the most efficient."""
    reason = "has no chance level" if board.chance is None else "is above chance and the floor nowhere"
    return f"{board.objective.metric} {reason}"


def top5_of(row: LeaderboardRow, board: Leaderboard) -> float:
    """Return the row's mean if the sweep ranks by top-5, else the top-5 of its best trial's best epoch."""
    is_ranked_by = board.objective.metric == "valid/top5"
    return (row.score or 0.0) if is_ranked_by else row.metrics.get("valid/top5", 0.0)


def budgets(board: Leaderboard) -> Card:
    """Show the best for a few budgets of one trial, or for the one that was asked for."""
    within, metric, unit = best_per_budget(board), board.objective.metric, unit_text(board)
    title, columns = "Best per budget of a trial", (f"{unit} up to", "trial", metric, unit, "configuration")
    rows = _rows(board, within)
    table = Table(columns, rows, title, left=("configuration",), folded="configuration")
    facts = [{"budget": budget, "trial": row.as_dict()} for budget, row in within]
    return Card(title, {"best_within": facts}, tables=[table])


def best_per_budget(board: Leaderboard) -> list[tuple[float, LeaderboardRow]]:
    """Return the best for a quarter, half and all of the dearest trial's cost, in the sweep's own unit."""
    if board.budget is not None:
        return [(board.budget, board.best)] if board.best else []
    return [(limit, board.by_number[point.number]) for limit, point in per_budget(board.points)]


def _rows(board: Leaderboard, within: Sequence[tuple[float, LeaderboardRow]]) -> list[tuple[str, ...]]:
    metric, made, before = board.objective.metric, list[tuple[str, ...]](), None
    for budget, row in within:
        label = "the same" if row is before else label_text(board, row)
        figures = (str(row.number), mean_text(metric, row), cost_text(board, row))
        made.append((f"{budget:.4g}", *figures, label))
        before = row
    return made


def target(board: Leaderboard) -> Card | NotYet:
    """Show the cheapest configuration that reaches `objective.target`."""
    wanted, row, title = board.objective.target, reaching_row(board), "Cheapest at the target"
    facts = {"target": wanted, "cheapest_reaching_target": row.as_dict() if row else None}
    if wanted is None:
        return NotYet("the sweep file sets no target", facts)
    if row is None:
        missed = Words(title, f"none reached {score_text(board.objective.metric, wanted)}")
        return Card(title, facts, lines=[missed])
    return Card(title, facts, trial=row.number, lines=about(title, board, row))


def reaching_row(board: Leaderboard) -> LeaderboardRow | None:
    """Return the cheapest row at the target.

    None without a target, and where no configuration has reached it.
    """
    wanted = board.objective.target
    if wanted is None:
        return None
    found = cheapest_reaching(board.points, board.objective.goal.sign * wanted)
    return board.by_number[found.number] if found else None
