"""What the parameters did: parallel coordinates, importance, and what each value cost and brought."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from sweeper.config.parameter import Parameter
from sweeper.drawing.looks import BLUE, ORANGE
from sweeper.report.section import LISTED, Drawing, Section, by_name, drawn, spoken
from sweeper.results.advice import advice
from sweeper.results.card import Table
from sweeper.results.cards.advise import whole_advice
from sweeper.results.cards.bill import parameters as by_value_card
from sweeper.results.influence import Influence
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.results.values import ValueCost
from sweeper.search.parts.importance import ENOUGH, Importance
from sweeper.trial import Goal
from sweeper.wording import counted, is_accuracy, score_text, value_text

_MOST_AXES = 12
_ABSENT = "–"
_PLACES = 24
"""Values of a parameter that have a place of their own on an axis without a scale."""


def parallel(board: Leaderboard) -> Section:
    """Draw a line for each configuration across an axis for each parameter, colored by score."""
    rows = [row for row in board.configurations if row.score is not None]
    names = [name for name in board.varied if name in {name for row in rows for name in row.config}]
    if len(rows) < 2 or not names:
        return Section(
            "parallel", "Parallel coordinates", absent="no two configurations differ and have a score"
        )
    metric, is_better = board.objective.metric, board.objective.goal is Goal.MAXIMIZE
    shown = names[:_MOST_AXES]
    known = board.sweep.spec.space.parameters
    dimensions = [_axis(name, [row.config.get(name) for row in rows], known.get(name)) for name in shown]
    scores = [row.score for row in rows]
    dimensions.append({"label": spoken(metric), "values": scores})
    figure = drawn("", "", height=460)
    figure.add_trace(
        go.Parcoords(
            dimensions=dimensions,
            line={"color": scores, "colorscale": "Cividis", "reversescale": not is_better, "showscale": True},
            labelangle=-20,
        )
    )
    figure.update_layout(margin={"l": 80, "r": 60, "t": 90, "b": 24})
    axes = counted(len(shown), "parameter")
    said = f"{counted(len(rows), 'configuration')} across {axes}, colored by {metric}. "
    said += "A condition that does not hold puts a line at the dash."
    notes = [] if shown == names else [f"Left out for want of room: {', '.join(names[_MOST_AXES:])}."]
    return Section(
        "parallel",
        "Parallel coordinates",
        drawings=[Drawing(said, figure, _lines_table(board, rows, names))],
        notes=notes,
    )


def _lines_table(board: Leaderboard, rows: Sequence[LeaderboardRow], names: Sequence[str]) -> Table:
    """Return the configurations that the figure draws, the best first; the dash is a condition that fails."""
    cells = [
        (
            str(row.number),
            score_text(board.objective.metric, row.score),
            *(_ABSENT if row.config.get(name) is None else value_text(row.config[name]) for name in names),
        )
        for row in rows[:LISTED]
    ]
    below = f"The first {LISTED} of {len(rows)}." if len(rows) > LISTED else ""
    return Table(("trial", board.objective.metric, *names), cells, below=below)


def _axis(name: str, values: Sequence[Any], parameter: Parameter | None) -> dict[str, Any]:
    """Return a dimension: numbers on their scale where all have one, else a place for each value."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values) and len(set(numbers)) > _PLACES:
        is_log = min(numbers) > 0 and getattr(parameter, "log", False)
        return _log_axis(name, numbers) if is_log else {"label": spoken(name), "values": numbers}
    texts = [_ABSENT if value is None else value_text(value) for value in values]
    order = sorted(set(texts), key=_place)[:_PLACES]
    places = {text: place for place, text in enumerate(order)}
    return {
        "label": spoken(name),
        "values": [places.get(text, len(order)) for text in texts],
        "tickvals": list(range(len(order))) + ([len(order)] if len(set(texts)) > len(order) else []),
        "ticktext": [spoken(text) for text in order] + (["others"] if len(set(texts)) > len(order) else []),
    }


def _log_axis(name: str, numbers: Sequence[float]) -> dict[str, Any]:
    low, high = math.floor(math.log10(min(numbers))), math.ceil(math.log10(max(numbers)))
    ticks = list(range(low, high + 1))
    return {
        "label": spoken(name),
        "values": [math.log10(number) for number in numbers],
        "tickvals": ticks,
        "ticktext": [f"{10.0**tick:g}" for tick in ticks],
    }


def _place(text: str) -> tuple[int, float, str]:
    try:
        return 1, float(text), ""
    except ValueError:
        return (0, 0.0, "") if text == _ABSENT else (2, 0.0, text)


def importance(board: Leaderboard) -> Section:
    """Draw what decided about the score and about the cost, each with its uncertainty."""
    found = advice(board)
    seen = found.influence
    if not seen.on_score:
        count = len(seen.judged)
        return Section(
            "importance", "What matters", absent=f"too few trials to tell: {count}, of {ENOUGH} at least"
        )
    card = whole_advice(board, found)
    figure = drawn("importance, share of what PED-ANOVA explains", "", height=120 + 44 * len(seen.on_score))
    for each, name, color in (
        (seen.on_cost, "for being cheap", ORANGE),
        (seen.on_score, "for the score", BLUE),
    ):
        figure.add_trace(_bars(each, name, color, [one.parameter for one in seen.on_score]))
    by_name(figure, "y")
    figure.update_layout(barmode="group", xaxis={"tickformat": ".0%", "range": [0, 1]}, margin={"l": 140})
    drawing = Drawing(_important(seen), figure, card.tables[0] if card.tables else None)
    return Section("importance", "What matters", lines=card.lines, drawings=[drawing], notes=card.notes)


def _bars(found: Sequence[Importance], name: str, color: str, order: Sequence[str]) -> go.Bar:
    known = {each.parameter: each for each in found}
    rows = [known[parameter] for parameter in reversed(order) if parameter in known]
    return go.Bar(
        y=[spoken(each.parameter) for each in rows],
        x=[each.share for each in rows],
        orientation="h",
        name=name,
        marker={"color": color, "pattern": {"shape": "/" if color == ORANGE else ""}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, each.high - each.share) for each in rows],
            "arrayminus": [max(0.0, each.share - each.low) for each in rows],
        },
        hovertemplate="%{y}: %{x:.0%}<extra></extra>",
    )


def _important(seen: Influence) -> str:
    sure = [each.parameter for each in seen.on_score if each.is_told_from_chance]
    said = f"Importance by PED-ANOVA among {len(seen.judged)} trials at epoch {seen.epoch}. "
    if not sure:
        return said + "None of it can be told from chance."
    return said + f"More than chance gives for the score: {', '.join(sure)}."


def values(board: Leaderboard) -> Section:
    """Draw what each value of each parameter cost and brought."""
    made = board.bill
    scored = [value for value in made.values if value.median is not None]
    if not scored:
        return Section(
            "values", "Each value's cost and gain", absent="no parameter differs between trials with a score"
        )
    metric = board.objective.metric
    figure = drawn(metric, "", height=110 + 22 * len(scored))
    labels = [spoken(f"{value.parameter} {value.value}") for value in scored]
    for name, chosen, symbol, color in (
        ("median", _median, "line-ns-open", BLUE),
        ("best", _best, "diamond", ORANGE),
    ):
        figure.add_trace(_marks(scored, labels, name, chosen, symbol, color))
    by_name(figure, "y")
    figure.update_layout(
        xaxis={"tickformat": ".0%" if is_accuracy(metric) else None},
        yaxis={"autorange": "reversed"},
        margin={"l": 170},
    )
    top = max(scored, key=lambda value: board.objective.goal.sign * (value.best or 0.0))
    said = f"Median and best {metric} of the trials with each value. "
    said += f"The best of all had {top.parameter} {top.value}."
    table = by_value_card(board.sweep, made).tables[0]
    return Section("values", "Each value's cost and gain", drawings=[Drawing(said, figure, table)])


def _median(value: ValueCost) -> float | None:
    return value.median


def _best(value: ValueCost) -> float | None:
    return value.best


def _marks(
    scored: Sequence[ValueCost], labels: Sequence[str], name: str, chosen: Any, symbol: str, color: str
) -> go.Scatter:
    return go.Scatter(
        x=[chosen(value) for value in scored],
        y=list(labels),
        mode="markers",
        name=name,
        marker={"symbol": symbol, "color": color, "size": 11, "line": {"width": 2, "color": color}},
        customdata=[[value.trials, round(value.billed, 1)] for value in scored],
        hovertemplate="%{y}: %{x}<br>%{customdata[0]} trials, %{customdata[1]} device-seconds<extra></extra>",
    )
