"""The front as a picture: score against cost, one dot a trial. Plain SVG: nothing loads to show it."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from sweeper.results.answer import Answer
from sweeper.results.leaderboard import Cost, Row
from sweeper.trackers.wording import score_text
from sweeper.trial import State

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 56, 52
INK, SOFT, GRID = "#1f2933", "#64748b", "#e2e8f0"
COLOURS = {State.COMPLETED: "#2563eb", State.STOPPED: "#f59e0b", State.FAILED: "#dc2626"}
UNITS = {"device_seconds": "device-seconds", "gpu_hours": "device-hours", "usd": "USD"}


def front_svg(answer: Answer) -> str:
    """Every scored trial, the Pareto front as a line, best and knee by name. Cost is logarithmic."""
    rows = [row for row in answer.rows if row.score is not None and row.cost(answer.cost) > 0]
    axes = _Axes(rows, answer)
    body = [*axes.frame(answer), *_front_line(answer, axes), *(_dot(row, axes) for row in rows)]
    body += _names(answer, axes)
    title = escape(f"{answer.sweep}: {answer.metric} against cost, {len(rows)} trials")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}"><title>{title}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>' + "".join(body) + "</svg>\n"
    )


class _Axes:
    """From a trial's cost and score to its place in the picture."""

    def __init__(self, rows: Sequence[Row], answer: Answer) -> None:
        costs = [row.cost(answer.cost) for row in rows] or [1.0, 10.0]
        scores = [row.score for row in rows if row.score is not None] or [0.0, 1.0]
        self._unit: Cost = answer.cost
        self._costs = (math.log10(min(costs)) - 0.08, math.log10(max(costs)) + 0.12)
        margin = 0.06 * (max(scores) - min(scores)) or 0.05
        self._scores = (min(scores) - margin, max(scores) + margin)

    def x(self, cost: float) -> float:
        """Pixels from the left."""
        low, high = self._costs
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(cost) - low) / (high - low)

    def y(self, score: float) -> float:
        """Pixels from the top."""
        low, high = self._scores
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (score - low) / (high - low)

    def of(self, row: Row) -> tuple[float, float]:
        """The trial's place."""
        return self.x(row.cost(self._unit)), self.y(row.score or 0.0)

    def frame(self, answer: Answer) -> Iterator[str]:
        """Title, grid, ticks and legend."""
        yield _text(LEFT, 24, f"{answer.sweep}: {answer.metric} against cost", size=16, weight=600)
        for tick in _round_costs(10 ** self._costs[0], 10 ** self._costs[1]):
            x = self.x(tick)
            yield _line(x, TOP, x, HEIGHT - BOTTOM, GRID)
            yield _text(x, HEIGHT - BOTTOM + 18, f"{tick:g}", anchor="middle", colour=SOFT)
        for tick in _round_scores(*self._scores):
            y = self.y(tick)
            yield _line(LEFT, y, WIDTH - RIGHT, y, GRID)
            yield _text(LEFT - 8, y + 4, score_text(answer.metric, tick), anchor="end", colour=SOFT)
        unit = UNITS[answer.cost] + ("" if answer.has_gpu or answer.cost == "usd" else " (of CPU slots)")
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield _text(middle, HEIGHT - 12, f"cost of the trial, {unit}", anchor="middle", colour=SOFT)
        yield from _legend()


def _legend() -> Iterator[str]:
    entries = (("ran to its end", State.COMPLETED), ("stopped early", State.STOPPED))
    for place, (name, state) in enumerate(entries):
        x = LEFT + 4 + 130 * place
        yield f'<circle cx="{x}" cy="42" r="5" fill="{COLOURS[state]}"/>'
        yield _text(x + 10, 46, name, colour=SOFT)
    x = LEFT + 4 + 130 * len(entries)
    yield _line(x - 5, 42, x + 12, 42, INK, width=1.5)
    yield _text(x + 18, 46, "Pareto front", colour=SOFT)


def _front_line(answer: Answer, axes: _Axes) -> Iterator[str]:
    places = [axes.of(row) for row in answer.front]
    if len(places) > 1:
        steps = [f"{places[0][0]:.1f},{places[0][1]:.1f}"]
        for (_, before), (x, y) in itertools.pairwise(places):
            steps += [f"{x:.1f},{before:.1f}", f"{x:.1f},{y:.1f}"]
        yield f'<polyline points="{" ".join(steps)}" fill="none" stroke="{INK}" stroke-width="1.5"/>'


def _dot(row: Row, axes: _Axes) -> str:
    x, y = axes.of(row)
    colour = COLOURS.get(row.state, SOFT)
    said = escape(f"trial {row.number}: " + ", ".join(f"{key} {value}" for key, value in row.config.items()))
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}" fill-opacity="0.85" stroke="white">'
    return f"{dot}<title>{said}</title></circle>"


def _names(answer: Answer, axes: _Axes) -> list[str]:
    named: dict[int, tuple[Row, list[str]]] = {}
    efficient = answer.efficient.row if answer.efficient else None
    for name, row in (("best", answer.best), ("knee", answer.knee), ("most efficient", efficient)):
        if row is not None:
            named.setdefault(row.number, (row, []))[1].append(name)
    texts: list[str] = []
    for row, names in named.values():
        x, y = axes.of(row)
        is_best = row is answer.best  # the others stand below their dots, where the front leaves room
        label = f"{', '.join(names)}: trial {row.number}, {score_text(answer.metric, row.score)}"
        anchor = "end" if is_best and x > WIDTH / 2 else "start"
        texts.append(
            _text(x + (4 if is_best else 9), y + (-9 if is_best else 17), label, anchor=anchor, weight=600)
        )
    return texts


def _round_costs(low: float, high: float) -> Iterator[float]:
    """1, 2, 5, 10 ... within the range."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = (step * 10.0**decade for decade in decades for step in (1, 2, 5))
    return (tick for tick in ticks if low <= tick <= high)


def _round_scores(low: float, high: float) -> Iterable[float]:
    """Four to eight round numbers within the range."""
    power = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(power * size for size in (1, 2, 5, 10) if (high - low) / (power * size) <= 8)
    first = math.ceil(low / step)
    return [step * number for number in range(first, math.floor(high / step) + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, width: float = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def _text(
    x: float,
    y: float,
    said: str,
    *,
    anchor: str = "start",
    colour: str = INK,
    size: int = 12,
    weight: int = 400,
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-size="{size}" font-weight="{weight}">{escape(said)}</text>'
