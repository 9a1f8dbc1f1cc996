"""The figures of the studies: pixels against time and accuracy, bars over networks and data sets, and what a
study printed beside what was measured."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import plotly.graph_objects as go

from sweeper.drawing.looks import BLUE, FULL, GRAY, looks_of
from sweeper.report.section import Drawing, Section, by_name, drawn, spoken
from sweeper.results.answer import Cards
from sweeper.results.card import Card, Table
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.wording import is_accuracy, score_text

_PATTERNS = ("", "/", "x", "-", "\\", "|", "+", ".")


def pixels(board: Leaderboard) -> Section | None:
    """Draw pixels against time and against accuracy, as the food study did; None where they do not vary."""
    rows = [
        row for row in board.configurations if row.score is not None and row.epochs and "pixels" in row.config
    ]
    if len({row.config["pixels"] for row in rows}) < 2:
        return None
    metric = board.objective.metric
    time = drawn("pixels of a side", "device-seconds an epoch")
    score = drawn("pixels of a side", metric, is_share=is_accuracy(metric))
    for figure, of in ((time, lambda row: row.device_seconds / row.epochs), (score, lambda row: row.score)):
        figure.add_trace(_over_pixels(rows, of))
        figure.update_xaxes(tickvals=sorted({row.config["pixels"] for row in rows}))
    groups: dict[int, list[LeaderboardRow]] = {}
    for row in rows:
        groups.setdefault(row.config["pixels"], []).append(row)
    cells = [
        (
            str(size),
            str(len(those)),
            f"{sum(row.device_seconds / row.epochs for row in those) / len(those):.3g}",
            score_text(metric, board.objective.goal.best([row.score or 0.0 for row in those])),
        )
        for size, those in sorted(groups.items())
    ]
    table = Table(("pixels", "configurations", "mean device-seconds an epoch", f"best {metric}"), cells)
    first = "What an epoch costs for each size of image; other parameters differ as well."
    drawings = [Drawing(first, time, table), Drawing(f"{metric} for each size of image.", score, table)]
    return Section("pixels", "Pixels against time and accuracy", drawings=drawings)


def _over_pixels(rows: Sequence[LeaderboardRow], of: Any) -> go.Scatter:
    return go.Scatter(
        x=[row.config["pixels"] for row in rows],
        y=[of(row) for row in rows],
        mode="markers",
        marker={"color": FULL.color, "symbol": FULL.symbol, "size": 8, "opacity": 0.7},
        customdata=[row.number for row in rows],
        hovertemplate="trial %{customdata}<br>%{x} pixels: %{y:.4g}<extra></extra>",
        showlegend=False,
    )


def networks(board: Leaderboard) -> Section | None:
    """Draw the best of each network, as the comparison study did; None where there is one alone."""
    groups = _by_network(board)
    if len(groups) < 2:
        return None
    metric, sign = board.objective.metric, board.objective.goal.sign
    bests = {name: _best(board, those) for name, those in groups.items()}
    figure = drawn("", metric, is_share=is_accuracy(metric))
    figure.add_trace(
        go.Bar(
            x=[spoken(name) for name in bests],
            y=[row.score for row in bests.values()],
            marker={"color": BLUE},
            hovertemplate="%{x}: %{y}<extra></extra>",
        )
    )
    by_name(figure, "x")
    cells = [
        (
            name,
            str(len(groups[name])),
            str(row.number),
            score_text(metric, row.score),
            f"{row.device_seconds:.4g}",
        )
        for name, row in bests.items()
    ]
    table = Table(
        ("network", "configurations", "best trial", metric, "its device-seconds"), cells, left=("network",)
    )
    first = max(bests, key=lambda name: sign * (bests[name].score or 0.0))
    said = f"The best {metric} of each of {len(bests)} networks; {first} is ahead."
    return Section("networks", "Networks", drawings=[Drawing(said, figure, table)])


def _by_network(board: Leaderboard) -> Mapping[str, Sequence[LeaderboardRow]]:
    """Return the scored configurations of each network; those of pretrained ones by their backbones."""
    groups: dict[str, list[LeaderboardRow]] = {}
    for row in board.configurations:
        if row.score is not None and "architecture" in row.config:
            name = str(row.config["architecture"])
            named = f"{name} {row.config['backbone']}" if "backbone" in row.config else name
            groups.setdefault(named, []).append(row)
    return groups


def _best(board: Leaderboard, rows: Sequence[LeaderboardRow]) -> LeaderboardRow:
    return max(rows, key=lambda row: board.objective.goal.sign * (row.score or 0.0))


def over_data_sets(boards: Sequence[Leaderboard], metric: str) -> Drawing:
    """Draw the best of each network in each sweep, which is to say on each data set."""
    bests = {board.sweep.name: _bests(board) for board in boards}
    networks = list(dict.fromkeys(name for found in bests.values() for name in found))
    figure = drawn("", metric, is_share=is_accuracy(metric))
    for number, (board, look) in enumerate(zip(boards, looks_of(list(bests)), strict=True)):
        found = bests[look.name]
        figure.add_trace(
            go.Bar(
                x=[spoken(name) for name in networks],
                y=[row.score if (row := found.get(name)) else None for name in networks],
                name=spoken(f"{look.name} ({_data_set(board)})"),
                marker={"color": look.color, "pattern": {"shape": _PATTERNS[number % len(_PATTERNS)]}},
                hovertemplate="%{x}: %{y}<extra></extra>",
            )
        )
    by_name(figure, "x")
    figure.update_layout(barmode="group")
    cells = [
        (board.sweep.name, _data_set(board), name, str(row.number), score_text(metric, row.score))
        for board in boards
        for name, row in bests[board.sweep.name].items()
    ]
    table = Table(
        ("sweep", "data set", "network", "trial", metric), cells, left=("sweep", "data set", "network")
    )
    return Drawing(f"The best {metric} of each network in each sweep, beside its data set.", figure, table)


def _bests(board: Leaderboard) -> Mapping[str, LeaderboardRow]:
    groups = _by_network(board)
    if not groups and board.best:
        return {"best": board.best}
    return {name: _best(board, rows) for name, rows in groups.items()}


def _data_set(board: Leaderboard) -> str:
    data = board.sweep.spec.dataset
    return PurePath(data.root).name if data.root else data.source


def published(cards: Cards) -> Section | None:
    """Show published against measured, where points carry what a study printed."""
    card = cards["published"]
    if not isinstance(card, Card):
        return None
    drawings = [made] if (made := _against_printed(card.facts["published"])) else []
    return Section(
        "published", "Published and measured", drawings=drawings, tables=card.tables, notes=card.notes
    )


def _against_printed(lines: Sequence[Mapping[str, Any]]) -> Drawing | None:
    """Draw measured over printed accuracies; None where no point has both."""
    pairs = [
        (figure, f"{line['point']}, {split}", printed, measured)
        for line in lines
        for figure in ("top1", "top5")
        for split in ("test", "valid")
        if (printed := line["published"].get(split, {}).get(figure)) is not None
        and (measured := line["measured"][split].get(figure)) is not None
    ]
    if not pairs:
        return None
    figure = drawn("printed by the study", "measured here", is_share=True)
    figure.update_xaxes(tickformat=".0%")
    for name, look in zip(("top1", "top5"), looks_of(("top-1", "top-5")), strict=True):
        those = [pair for pair in pairs if pair[0] == name]
        figure.add_trace(
            go.Scatter(
                x=[printed for *_, printed, _ in those],
                y=[measured for *_, measured in those],
                mode="markers",
                name=look.name,
                marker={"color": look.color, "symbol": look.symbol, "size": 9},
                hovertext=[f"{spoken(point)}: printed {p:.1%}, here {m:.1%}" for _, point, p, m in those],
                hoverinfo="text",
            )
        )
    ends = [min(min(pair[2:]) for pair in pairs), max(max(pair[2:]) for pair in pairs)]
    line = {"color": GRAY, "dash": "dot"}
    figure.add_trace(go.Scatter(x=ends, y=ends, mode="lines", name="equal", line=line, hoverinfo="skip"))
    above = sum(measured >= printed for *_, printed, measured in pairs)
    said = f"Measured over printed: {above} of {len(pairs)} figures are at least as high here."
    cells = [(point, name, score_text(name, p), score_text(name, m)) for name, point, p, m in pairs]
    return Drawing(
        said, figure, Table(("point", "figure", "printed", "here"), cells, left=("point", "figure"))
    )
