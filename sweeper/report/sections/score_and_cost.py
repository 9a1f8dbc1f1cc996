"""Score against cost: every configuration, the Pareto front, and the ranking as a table."""

import math

import plotly.graph_objects as go

from sweeper.drawing.looks import GRAY, look_of
from sweeper.report.section import LISTED, Drawing, Section, drawn, spoken
from sweeper.results.card import Table
from sweeper.results.cards.front import front_rows, knee_row
from sweeper.results.cards.order import ranking_table
from sweeper.results.cards.worth import most_efficient_row
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.results.phrases import label_text, mean_text, unit_text
from sweeper.trial import State
from sweeper.wording import config_text, counted, is_accuracy, plain, score_text


def score_and_cost(board: Leaderboard) -> Section:
    """Draw every configuration that has a score and a known cost."""
    rows = [row for row in board.configurations if row.score is not None and row.cost(board.cost) > 0]
    if not rows:
        return Section("front", "Score against cost", absent="no trial has a score and a known cost")
    metric, unit = board.objective.metric, unit_text(board)
    figure = drawn(f"cost of a trial, {unit}", metric, height=480, is_share=is_accuracy(metric))
    figure.update_xaxes(type="log")
    for state in dict.fromkeys(row.state for row in rows):
        figure.add_trace(_dots(board, [row for row in rows if row.state == state], state))
    _add_front(figure, board)
    listed = board.configurations[:LISTED]
    table = ranking_table(board, listed)
    notes = [] if len(listed) == len(board.configurations) else [_left_out(len(board.configurations))]
    drawing = Drawing(_sentence(board, rows), figure, table)
    return Section("front", "Score against cost", drawings=[drawing], notes=notes)


def _left_out(count: int) -> str:
    return f"The table has the first {LISTED} of {counted(count, 'configuration')}; `--format csv` has all."


def _dots(board: Leaderboard, rows: list[LeaderboardRow], state: State) -> go.Scatter:
    look = look_of(state)
    metric = board.objective.metric
    said = [
        f"trial {row.number}: {mean_text(metric, row)}<br>{_wrapped(row)}<br>{row.epochs} epochs"
        for row in rows
    ]
    reach = [row.half_width or 0.0 for row in rows]
    return go.Scatter(
        x=[row.cost(board.cost) for row in rows],
        y=[row.score for row in rows],
        mode="markers",
        name=f"{look.name} ({len(rows)})",
        marker={"color": look.color, "symbol": look.symbol, "size": 9, "opacity": 0.85},
        error_y={"array": reach, "visible": any(reach), "thickness": 1},
        customdata=[row.number for row in rows],
        hovertext=said,
        hoverinfo="text",
    )


def _wrapped(row: LeaderboardRow) -> str:
    """Return the configuration, three parameters a line."""
    parts = [spoken(config_text({name: value})) for name, value in row.config.items()]
    return "<br>".join(" ".join(parts[start : start + 3]) for start in range(0, len(parts), 3))


def _add_front(figure: go.Figure, board: Leaderboard) -> None:
    places = [row for row in front_rows(board) if row.cost(board.cost) > 0]
    figure.add_trace(
        go.Scatter(
            x=[row.cost(board.cost) for row in places],
            y=[row.score for row in places],
            mode="lines",
            name="Pareto front",
            line={"shape": "hv", "width": 2, "color": GRAY},
            hoverinfo="skip",
        )
    )
    efficient = most_efficient_row(board)
    named = {"best": board.best, "knee": knee_row(board), "most efficient": efficient and efficient.row}
    together: dict[int, list[str]] = {}
    for name, row in named.items():
        if row is not None:
            together.setdefault(row.number, []).append(name)
    for place, (number, names) in enumerate(sorted(together.items(), key=lambda item: _cost(board, item[0]))):
        row = board.by_number[number]
        figure.add_annotation(
            x=_log10(row.cost(board.cost)),
            y=row.score,
            text=f"{', '.join(names)}: {number}",
            showarrow=True,
            arrowhead=0,
            ax=0,
            ay=-28 - 18 * (place % 2),  # neighbors are named one above the other
        )


def _cost(board: Leaderboard, number: int) -> float:
    return board.by_number[number].cost(board.cost)


def _log10(value: float) -> float:
    """Plotly places an annotation on a logarithmic axis by its exponent."""
    return math.log10(value)


def _sentence(board: Leaderboard, rows: list[LeaderboardRow]) -> str:
    metric, best, count = board.objective.metric, board.best, len(front_rows(board))
    said = f"{counted(len(rows), 'configuration')} by cost and {metric}, {count} of them on the Pareto front."
    if best is None:
        return said
    top = f"The best is trial {best.number} with {score_text(metric, best.score)}: {label_text(board, best)}."
    return f"{said} {plain(top)}"


def trial_table(board: Leaderboard) -> Table:
    """Return every configuration with all its parameters, for a spreadsheet."""
    names = list(dict.fromkeys(name for row in board.configurations for name in row.config))
    metric, unit = board.objective.metric, unit_text(board)
    columns = ("rank", "trial", metric, unit, "device_seconds", "usd", "epochs", "state", "runs", *names)
    rows = [
        (
            str(row.rank or ""),
            str(row.number),
            "" if row.score is None else repr(row.score),
            repr(row.cost(board.cost)),
            repr(row.device_seconds),
            "" if row.usd is None else repr(row.usd),
            str(row.epochs),
            str(row.state),
            str(row.runs),
            *(_cell(row.config.get(name)) for name in names),
        )
        for row in board.configurations
    ]
    return Table(columns, rows)


def _cell(value: object) -> str:
    return "" if value is None else "-".join(map(str, value)) if isinstance(value, list) else str(value)
