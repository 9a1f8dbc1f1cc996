"""Several sweeps side by side: what they found and spent, and their fronts on common axes."""

from collections.abc import Iterator
from typing import Any

from sweeper.drawing.looks import looks_of
from sweeper.results.anytime import Step
from sweeper.results.card import Card, Picture, Stairs, Table
from sweeper.results.cards.front import axis_unit, mark
from sweeper.results.comparison import Comparison, Side
from sweeper.results.phrases import mean_text
from sweeper.wording import device_text, device_unit, plain, score_text


def comparison(found: Comparison) -> Card:
    """What they found and spent; the best for a trial's cost; what each needed for the other's best."""
    tables = [_sweeps(found), _levels(found), _reached(found)]
    return Card(
        f"{found.metric} against cost",
        _facts(found),
        tables=tables,
        notes=list(_notes(found)),
        picture=lambda: fronts_picture(found),
    )


def fronts_picture(found: Comparison) -> Picture:
    """The fronts of several sweeps on common axes."""
    fronts = {plain(side.board.sweep.spec.name): side.front for side in found.sides}
    looks = dict(zip(fronts, looks_of(list(fronts)), strict=True))
    paid = {name: [row for row in rows if row.cost(found.cost) > 0] for name, rows in fronts.items()}
    places = {name: [(row.cost(found.cost), row.score or 0.0) for row in rows] for name, rows in paid.items()}
    has_gpu = all(side.board.has_gpu for side in found.sides)
    return Picture(
        title=f"{found.metric} against cost",
        metric=found.metric,
        across=f"cost of the trial, {axis_unit(found.cost, has_gpu)}",
        is_log=True,
        marks=[
            mark(row, found.cost, looks[name], f"{name}: ") for name, rows in paid.items() for row in rows
        ],
        stairs=[Stairs(places[name], name, look.color, look.symbol) for name, look in looks.items()],
    )


def _notes(found: Comparison) -> Iterator[str]:
    """What a reader has to know of the figures."""
    unit = device_unit(found.cost)
    for warning in found.warnings:
        yield f"note: {plain(warning)}"
    corner = f"{score_text(found.metric, found.worst)} and {found.dearest:.3g} {unit}"
    yield f"area: share of what lies between {corner} and the best score of all at no cost"
    if found.floor is not None:
        floor = score_text(found.metric, found.floor)
        yield f"efficiency: points above chance per {unit}, among trials from {floor} up"


def _sweeps(found: Comparison) -> Table:
    header = ("sweep", "trials", "spent", f"best {found.metric}", "its cost", "efficiency", "area")
    return Table(header, [_row(side, found) for side in found.sides], left=("sweep",))


def _row(side: Side, found: Comparison) -> tuple[str, ...]:
    board, best = side.board, side.board.best
    usd = board.sums.usd if board.sums.billed else None
    money = "" if usd is None else f", {usd:.2f} USD"
    return (
        plain(board.sweep.spec.name),
        str(len(board.sweep.history.trials)),
        device_text(board.sums.billed, board.has_gpu) + money,
        mean_text(found.metric, best) if best else "-",
        "-" if best is None else f"{best.cost(found.cost):.4g}",
        "-" if side.ratio is None else f"{100 * side.ratio:.4g}",
        f"{100 * side.area / found.whole:.1f} %" if found.whole > 0 else "-",
    )


def _levels(found: Comparison) -> Table:
    title = f"Best {found.metric} of a trial that cost at most (the fronts on common axes)"
    header = (device_unit(found.cost), *(plain(side.board.sweep.spec.name) for side in found.sides))
    rows = [
        (f"{level:g}", *(mean_text(found.metric, row) if row else "-" for row in rows))
        for level, rows in found.levels
    ]
    return Table(header, rows, title=title)


def _reached(found: Comparison) -> Table:
    names = [side.board.sweep.spec.name for side in found.sides]
    rows = [
        (plain(name), *(_step_text(side, other, found) for other in names))
        for name, side in zip(names, found.sides, strict=True)
    ]
    title = "Spent by each until it was as good as the best of"
    return Table(("", *map(plain, names)), rows, title=title, left=("",))


def _step_text(side: Side, other: str, found: Comparison) -> str:
    steps, step = side.anytime.steps, side.reached.get(other)
    if other == side.board.sweep.spec.name:
        step = next((step for step in steps if step.score == steps[-1].score), None)
    elif other in side.reached and step is None:
        return "never"
    return "-" if step is None else _spent_text(step, side, found)


def _spent_text(step: Step, side: Side, found: Comparison) -> str:
    if found.cost == "usd" and step.usd is not None:
        return f"{step.usd:.4g} USD"
    return device_text(step.device_seconds, side.board.has_gpu)


def _facts(found: Comparison) -> dict[str, Any]:
    return {
        "metric": found.metric,
        "goal": found.goal,
        "cost": found.cost,
        "reference": {"score": found.worst, "cost": found.dearest},
        "efficiency_floor": found.floor,
        "warnings": list(found.warnings),
        "sweeps": [_side_facts(side, found.whole) for side in found.sides],
        "best_within": [
            {"budget": level, "scores": [row.score if row else None for row in rows]}
            for level, rows in found.levels
        ],
    }


def _side_facts(side: Side, whole: float) -> dict[str, Any]:
    board = side.board
    return {
        "sweep": board.sweep.spec.name,
        "best": board.best.as_dict() if board.best else None,
        "front": [row.as_dict() for row in side.front],
        "hypervolume": side.area,
        "hypervolume_share": side.area / whole if whole > 0 else None,
        "efficiency": side.ratio,
        "trials": len(board.sweep.history.trials),
        "device": "gpu" if board.has_gpu else "cpu_slot",
        "billed_device_seconds": board.sums.billed,
        "usd": board.sums.usd if board.sums.billed else None,
        "wall_seconds": board.sweep.history.wall_seconds,
        "anytime": side.anytime.as_dict(),
        "reached_best_of": {
            name: {"device_seconds": step.device_seconds, "usd": step.usd} if step else None
            for name, step in side.reached.items()
        },
    }
