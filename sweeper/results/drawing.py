"""Marks and axes of a picture: plain SVG, nothing loads to show it."""

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise

from sweeper.results.leaderboard import Cost
from sweeper.wording import score_text

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 56, 52
INK, SOFT, GRID = "#1f2933", "#64748b", "#e2e8f0"
UNITS = {"device_seconds": "device-seconds", "gpu_hours": "device-hours", "usd": "USD"}
Place = tuple[float, float]


class Axes:
    """From a cost and a score to a place in the picture: cost to the right, score upwards."""

    def __init__(self, costs: Sequence[float], scores: Sequence[float], *, is_log: bool) -> None:
        self._is_log = is_log
        low, high = (min(costs), max(costs)) if costs else (1.0, 10.0)
        if is_log:
            self._costs = (math.log10(low) - 0.08, math.log10(high) + 0.12)
        else:
            self._costs = (0.0, 1.04 * high or 1.0)
        known = scores or [0.0, 1.0]
        margin = 0.06 * (max(known) - min(known)) or 0.05
        self._scores = (min(known) - margin, max(known) + margin)

    def x(self, cost: float) -> float:
        """Pixels from the left."""
        low, high = self._costs
        place = math.log10(cost) if self._is_log else cost
        return LEFT + (WIDTH - LEFT - RIGHT) * (place - low) / (high - low)

    def y(self, score: float) -> float:
        """Pixels from the top."""
        low, high = self._scores
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (score - low) / (high - low)

    def frame(self, title: str, metric: str, below: str) -> Iterator[str]:
        """Title, grid and ticks."""
        yield text(LEFT, 24, title, size=16, weight=600)
        for tick in self._cost_ticks():
            x = self.x(tick)
            yield line(x, TOP, x, HEIGHT - BOTTOM, GRID)
            yield text(x, HEIGHT - BOTTOM + 18, f"{tick:g}", anchor="middle", colour=SOFT)
        for tick in _round(*self._scores):
            y = self.y(tick)
            yield line(LEFT, y, WIDTH - RIGHT, y, GRID)
            yield text(LEFT - 8, y + 4, score_text(metric, tick), anchor="end", colour=SOFT)
        yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, below, anchor="middle", colour=SOFT)

    def _cost_ticks(self) -> Iterable[float]:
        low, high = self._costs
        return _decades(10**low, 10**high) if self._is_log else _round(low, high)


def svg(title: str, body: Iterable[str]) -> str:
    """The whole picture; `title` is read aloud and shown on hovering."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>' + "".join(body) + "</svg>\n"
    )


def unit_of(cost: Cost, has_gpu: bool) -> str:
    """The unit below an axis of cost."""
    return UNITS[cost] + ("" if has_gpu or cost == "usd" else " (of CPU slots)")


def stairs(places: Sequence[Place], colour: str, *, width: float = 1.5) -> Iterator[str]:
    """A line that stays until the next place: the best so far, or a front. Nothing for a single one."""
    if len(places) > 1:
        steps = [f"{places[0][0]:.1f},{places[0][1]:.1f}"]
        for (_, before), (x, y) in pairwise(places):
            steps += [f"{x:.1f},{before:.1f}", f"{x:.1f},{y:.1f}"]
        yield f'<polyline points="{" ".join(steps)}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def dot(x: float, y: float, colour: str, said: str, *, radius: int = 5) -> str:
    """A mark that says something on hovering; a large one has a rim."""
    rim = ' stroke="white"' if radius > 2 else ""
    mark = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}" fill-opacity="0.85"{rim}>'
    return f"{mark}<title>{escape(said)}</title></circle>"


def line(x1: float, y1: float, x2: float, y2: float, colour: str, *, width: float = 1) -> str:
    """A straight line."""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def text(
    x: float,
    y: float,
    said: str,
    *,
    anchor: str = "start",
    colour: str = INK,
    size: int = 12,
    weight: int = 400,
) -> str:
    """Words at a place."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-size="{size}" font-weight="{weight}">{escape(said)}</text>'


def _decades(low: float, high: float) -> Iterator[float]:
    """1, 2, 5, 10 ... within the range."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = (step * 10.0**decade for decade in decades for step in (1, 2, 5))
    return (tick for tick in ticks if low <= tick <= high)


def _round(low: float, high: float) -> Iterable[float]:
    """Four to eight round numbers within the range."""
    power = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(power * size for size in (1, 2, 5, 10) if (high - low) / (power * size) <= 8)
    first = math.ceil(low / step)
    return [step * number for number in range(first, math.floor(high / step) + 1)]
