"""Several sweeps side by side: fronts, the best over what was spent, and where their files differ."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from sweeper.drawing.looks import PALETTE, SYMBOLS
from sweeper.report.section import Drawing, Section, drawn, spoken
from sweeper.report.sections.study_figures import over_data_sets
from sweeper.results.card import Table
from sweeper.results.cards.compare import comparison
from sweeper.results.comparison import Comparison, compare_sweeps
from sweeper.results.leaderboard import Leaderboard
from sweeper.wording import device_unit, is_accuracy, score_text


def side_by_side(boards: Sequence[Leaderboard]) -> Section:
    """Compare the sweeps; SpecError where they rank by different metrics."""
    found = compare_sweeps(boards)
    card = comparison(found)
    drawings = [_fronts(found), _anytime(found), over_data_sets(boards, found.metric)]
    tables = [*card.tables, _differences(boards)]
    return Section("compared", "Side by side", drawings=drawings, tables=tables, notes=card.notes)


def _fronts(found: Comparison) -> Drawing:
    unit = device_unit(found.cost)
    figure = drawn(f"cost of a trial, {unit}", found.metric, is_share=is_accuracy(found.metric))
    figure.update_xaxes(type="log")
    cells: list[tuple[str, ...]] = []
    for number, side in enumerate(found.sides):
        rows = [row for row in side.front if row.cost(found.cost) > 0]
        name = side.board.sweep.name
        cells += [
            (name, str(row.number), f"{row.cost(found.cost):.4g}", score_text(found.metric, row.score))
            for row in rows
        ]
        figure.add_trace(
            go.Scatter(
                x=[row.cost(found.cost) for row in rows],
                y=[row.score for row in rows],
                mode="lines+markers",
                line={"shape": "hv", "color": PALETTE[number % len(PALETTE)]},
                marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9},
                name=spoken(side.board.sweep.name),
                customdata=[row.number for row in rows],
                hovertemplate="trial %{customdata}: %{y}<extra></extra>",
            )
        )
    table = Table(("sweep", "trial", unit, found.metric), cells, left=("sweep",))
    return Drawing(f"The Pareto fronts of {len(found.sides)} sweeps on common axes.", figure, table)


def _anytime(found: Comparison) -> Drawing:
    figure = drawn(
        "device-seconds spent on the sweep", f"best {found.metric}", is_share=is_accuracy(found.metric)
    )
    ends: list[str] = []
    cells: list[tuple[str, ...]] = []
    for number, side in enumerate(found.sides):
        steps = side.anytime.steps
        figure.add_trace(
            go.Scatter(
                x=[step.device_seconds for step in steps],
                y=[step.score for step in steps],
                mode="lines+markers",
                line={"shape": "hv", "color": PALETTE[number % len(PALETTE)]},
                marker={"symbol": SYMBOLS[number % len(SYMBOLS)]},
                name=spoken(side.board.sweep.name),
            )
        )
        cells += [
            (side.board.sweep.name, f"{step.device_seconds:.4g}", score_text(found.metric, step.score))
            for step in steps
        ]
        if steps:
            ends.append(f"{side.board.sweep.name} ended at {score_text(found.metric, steps[-1].score)}")
    table = Table(("sweep", "device-seconds spent", f"best {found.metric}"), cells, left=("sweep",))
    return Drawing(f"The best score so far over what had been spent: {', '.join(ends)}.", figure, table)


def _differences(boards: Sequence[Leaderboard]) -> Table:
    """Every key of the sweep files in which the sweeps differ."""
    flat = [dict(_flat(board.sweep.spec.resolved())) for board in boards]
    keys = list(dict.fromkeys(key for each in flat for key in each))
    rows = [
        (key, *(each.get(key, "-") for each in flat))
        for key in keys
        if key != "name" and len({each.get(key) for each in flat}) > 1
    ]
    names = [board.sweep.name for board in boards]
    return Table(("key", *names), rows, title="Where their files differ", left=("key", *names))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, json.dumps(value, ensure_ascii=False)
