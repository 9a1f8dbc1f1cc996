"""The answer as pictures: score against the cost of a trial, and the best score against what was spent."""

from collections.abc import Iterator, Sequence

from sweeper.results.answer import Answer
from sweeper.results.anytime import Step
from sweeper.results.comparison import Comparison
from sweeper.results.drawing import (
    BOTTOM,
    HEIGHT,
    INK,
    LEFT,
    SOFT,
    TOP,
    WIDTH,
    Axes,
    dot,
    line,
    stairs,
    svg,
    text,
    unit_of,
)
from sweeper.results.leaderboard import Cost, LeaderboardRow
from sweeper.results.phrases import advice_text, last_tenth_text, mean_text
from sweeper.trial import State
from sweeper.wording import score_text

COLOURS = {State.COMPLETED: "#2563eb", State.STOPPED: "#f59e0b", State.FAILED: "#dc2626"}
FRONTS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")
BAND = "#f1f5f9"
MANY = 400
"""Configurations from which their dots are small."""


def front_svg(answer: Answer) -> str:
    """Every scored configuration, the Pareto front as a line, best and knee by name. Cost is logarithmic.

    Configurations of several runs show their mean and its 95 % interval.
    """
    rows = [row for row in answer.rows if row.score is not None and row.cost(answer.cost) > 0]
    axes = Axes([row.cost(answer.cost) for row in rows], [row.score or 0.0 for row in rows], is_log=True)
    below = f"cost of the trial, {unit_of(answer.cost, answer.has_gpu)}"
    body = [*axes.frame(f"{answer.sweep}: {answer.metric} against cost", answer.metric, below), *_legend()]
    body += stairs([_place(row, answer.cost, axes) for row in answer.front if row in rows], INK)
    body += [mark for row in rows for mark in _marks(row, answer, axes)]
    body += _names(answer, axes)
    return svg(f"{answer.sweep}: {answer.metric} against cost, {len(rows)} configurations", body)


def anytime_svg(answer: Answer) -> str:
    """The best score as the sweep went on, its last 10 % shaded, what more would bring above."""
    kind = _spent_kind(answer)
    steps = answer.anytime.steps
    spent = [_spent(step, kind) for step in steps]
    axes = Axes(spent, [step.score for step in steps], is_log=False)
    body: list[str] = []
    searched = _spent(answer.anytime.searched, kind) if answer.anytime.searched else 0.0
    if searched > 0:
        left, right = axes.x(0.9 * searched), axes.x(searched)
        shade = f'x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{HEIGHT - TOP - BOTTOM}"'
        body.append(f'<rect {shade} fill="{BAND}"/>')
        last = f"the last 10 % {last_tenth_text(answer.metric, answer.anytime)}"
        is_right = right > WIDTH / 2
        x, anchor = (right, "end") if is_right else (left, "start")
        body.append(text(x, HEIGHT - BOTTOM - 8, last, anchor=anchor, colour=SOFT))
    below = f"spent on all trials, {unit_of(kind, answer.has_gpu)}"
    body += axes.frame(f"{answer.sweep}: best {answer.metric} so far", answer.metric, below)
    body += stairs([(axes.x(cost), axes.y(step.score)) for cost, step in zip(spent, steps, strict=True)], INK)
    body += [
        dot(
            axes.x(cost),
            axes.y(step.score),
            COLOURS[State.COMPLETED],
            f"{score_text(answer.metric, step.score)}",
        )
        for cost, step in zip(spent, steps, strict=True)
    ]
    body.append(text(LEFT, 44, f"enough? {advice_text(answer.metric, answer.anytime)}", colour=SOFT))
    return svg(f"{answer.sweep}: best {answer.metric} against spend", body)


def fronts_svg(found: Comparison) -> str:
    """The fronts of several sweeps on common axes; cost is logarithmic."""
    fronts = {side.answer.sweep: [r for r in side.front if r.cost(found.cost) > 0] for side in found.sides}
    rows = [row for front in fronts.values() for row in front]
    axes = Axes([row.cost(found.cost) for row in rows], [row.score or 0.0 for row in rows], is_log=True)
    has_gpu = all(side.answer.has_gpu for side in found.sides)
    below = f"cost of the trial, {unit_of(found.cost, has_gpu)}"
    body = [*axes.frame(f"{found.metric} against cost", found.metric, below)]
    x = float(LEFT)
    for number, (name, front) in enumerate(fronts.items()):
        colour = FRONTS[number % len(FRONTS)]
        places = [_place(row, found.cost, axes) for row in front]
        body += stairs(places, colour, width=2)
        body += [
            dot(*place, colour, f"{name}: {_said(row)}") for place, row in zip(places, front, strict=True)
        ]
        body += [line(x, 42, x + 16, 42, colour, width=2), text(x + 22, 46, name, colour=SOFT)]
        x += 40 + 7 * len(name)
    return svg(f"{found.metric} against cost: {', '.join(fronts)}", body)


def _spent_kind(answer: Answer) -> Cost:
    """USD where that is the sweep's cost and known throughout; device time otherwise."""
    is_priced = all(step.usd is not None for step in answer.anytime.steps)
    return answer.cost if answer.cost != "usd" or is_priced else "gpu_hours"


def _spent(step: Step, kind: Cost) -> float:
    if kind == "usd":
        return step.usd or 0.0
    return step.device_seconds / 3600 if kind == "gpu_hours" else step.device_seconds


def _place(row: LeaderboardRow, cost: Cost, axes: Axes) -> tuple[float, float]:
    return axes.x(row.cost(cost)), axes.y(row.score or 0.0)


def _legend() -> Iterator[str]:
    entries = (("ran to its end", State.COMPLETED), ("stopped early", State.STOPPED))
    for place, (name, state) in enumerate(entries):
        x = LEFT + 4 + 130 * place
        yield f'<circle cx="{x}" cy="42" r="5" fill="{COLOURS[state]}"/>'
        yield text(x + 10, 46, name, colour=SOFT)
    x = LEFT + 4 + 130 * len(entries)
    yield line(x - 5, 42, x + 12, 42, INK, width=1.5)
    yield text(x + 18, 46, "Pareto front", colour=SOFT)


def _marks(row: LeaderboardRow, answer: Answer, axes: Axes) -> Iterator[str]:
    x, y = _place(row, answer.cost, axes)
    if row.half_width is not None and row.score is not None:
        reach = axes.y(row.score - row.half_width), axes.y(row.score + row.half_width)
        low, high = (min(max(end, TOP), HEIGHT - BOTTOM) for end in reach)
        yield line(x, low, x, high, SOFT, width=1.5)
    is_one_of_many = len(answer.rows) > MANY
    yield dot(x, y, COLOURS.get(row.state, SOFT), _said(row), radius=2 if is_one_of_many else 5)


def _said(row: LeaderboardRow) -> str:
    return f"trial {row.number}: " + ", ".join(f"{key} {value}" for key, value in row.config.items())


def _names(answer: Answer, axes: Axes) -> list[str]:
    named: dict[int, tuple[LeaderboardRow, list[str]]] = {}
    efficient = answer.efficient.row if answer.efficient else None
    for name, row in (("best", answer.best), ("knee", answer.knee), ("most efficient", efficient)):
        if row is not None and row.cost(answer.cost) > 0:
            named.setdefault(row.number, (row, []))[1].append(name)
    return [_name(row, names, answer, axes) for row, names in named.values()]


def _name(row: LeaderboardRow, names: Sequence[str], answer: Answer, axes: Axes) -> str:
    x, y = _place(row, answer.cost, axes)
    is_best = row is answer.best  # the others stand below their dots, where the front leaves room
    label = f"{', '.join(names)}: trial {row.number}, {mean_text(answer.metric, row)}"
    anchor = "end" if is_best and x > WIDTH / 2 else "start"
    return text(x + (4 if is_best else 9), y + (-9 if is_best else 17), label, anchor=anchor, weight=600)
