"""The best for what a trial may cost, and the cheapest that is good enough."""

from collections.abc import Sequence

from sweeper.results.card import Card, Entry, NotYet, Table
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.results.pareto import cheapest_reaching, per_budget
from sweeper.results.phrases import about, cost_text, label_text, mean_text, unit_text
from sweeper.wording import score_text


def budgets(board: Leaderboard) -> Card:
    """The best for a few budgets of one trial, or for the one that was asked for."""
    within, metric, unit = best_per_budget(board), board.objective.metric, unit_text(board)
    table = Table(
        title="Best per budget of a trial",
        columns=(f"{unit} up to", "trial", metric, unit, "configuration"),
        rows=list(_rows(board, within)),
        left=("configuration",),
        folded="configuration",
    )
    facts = [{"budget": budget, "trial": row.as_dict()} for budget, row in within]
    return Card(table.title, {"best_within": facts}, tables=[table])


def best_per_budget(board: Leaderboard) -> list[tuple[float, LeaderboardRow]]:
    """For a quarter, half and all of what the dearest trial cost, in the sweep's own unit."""
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
    """The cheapest configuration that reaches `objective.target`."""
    wanted, row, title = board.objective.target, reaching_row(board), "Cheapest at the target"
    facts = {"target": wanted, "cheapest_reaching_target": row.as_dict() if row else None}
    if wanted is None:
        return NotYet("the sweep file sets no target", facts)
    if row is None:
        missed = Entry(title, f"none reached {score_text(board.objective.metric, wanted)}")
        return Card(title, facts, lines=[missed])
    return Card(title, facts, trial=row.number, lines=about(title, board, row))


def reaching_row(board: Leaderboard) -> LeaderboardRow | None:
    """None without a target, and where no configuration has reached it."""
    wanted = board.objective.target
    if wanted is None:
        return None
    found = cheapest_reaching(board.points, board.objective.goal.sign * wanted)
    return board.by_number[found.number] if found else None
