"""The comparison of sweeps on a terminal or in a log."""

from collections.abc import Iterator, Sequence

from sweeper.results.anytime import Step
from sweeper.results.comparison import Comparison, Side
from sweeper.results.leaderboard import Cost, LeaderboardRow
from sweeper.results.phrases import mean_text
from sweeper.wording import device_text, plain, score_text

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""A title, the header, the rows."""


def tables(found: Comparison) -> Iterator[Table]:
    """What they found and spent; the best for a trial's cost; what each needed for the other's best."""
    yield _sweeps(found)
    yield _levels(found)
    yield _reached(found)


def notes(found: Comparison) -> Iterator[str]:
    """What a reader has to know of the figures."""
    for warning in found.warnings:
        yield f"note: {plain(warning)}"
    corner = f"{score_text(found.metric, found.worst)} and {found.dearest:.3g} {_unit(found)}"
    yield f"area: share of what lies between {corner} and the best score of all at no cost"
    if found.floor is not None:
        floor = score_text(found.metric, found.floor)
        yield f"efficiency: points above chance per {_unit(found)}, among trials from {floor} up"


def _sweeps(found: Comparison) -> Table:
    header = ("sweep", "trials", "spent", f"best {found.metric}", "its cost", "efficiency", "area")
    return "", header, [_row(side, found) for side in found.sides]


def _row(side: Side, found: Comparison) -> tuple[str, ...]:
    answer, best = side.answer, side.answer.best
    money = "" if answer.usd is None else f", {answer.usd:.2f} USD"
    return (
        plain(answer.sweep),
        str(sum(answer.states.values())),
        device_text(answer.billed_device_seconds, answer.has_gpu) + money,
        mean_text(found.metric, best) if best else "-",
        _cost_text(best, found.cost),
        "-" if side.ratio is None else f"{100 * side.ratio:.4g}",
        f"{100 * side.area / found.whole:.1f} %" if found.whole > 0 else "-",
    )


def _levels(found: Comparison) -> Table:
    title = f"Best {found.metric} of a trial that cost at most (the fronts on common axes)"
    header = (_unit(found), *(plain(side.answer.sweep) for side in found.sides))
    rows = [
        (f"{level:g}", *(mean_text(found.metric, row) if row else "-" for row in rows))
        for level, rows in found.levels
    ]
    return title, header, rows


def _reached(found: Comparison) -> Table:
    names = [plain(side.answer.sweep) for side in found.sides]
    rows = [
        (name, *(_step_text(side, other.answer.sweep, found.cost) for other in found.sides))
        for name, side in zip(names, found.sides, strict=True)
    ]
    return "Spent by each until it was as good as the best of", ("", *names), rows


def _step_text(side: Side, other: str, cost: Cost) -> str:
    steps = side.answer.anytime.steps
    if other == side.answer.sweep:
        best: Step | None = next((step for step in steps if step.score == steps[-1].score), None)
        return _spent_text(best, side, cost)
    if other not in side.reached:
        return "-"
    step = side.reached[other]
    return "never" if step is None else _spent_text(step, side, cost)


def _spent_text(step: Step | None, side: Side, cost: Cost) -> str:
    if step is None:
        return "-"
    if cost == "usd" and step.usd is not None:
        return f"{step.usd:.4g} USD"
    return device_text(step.device_seconds, side.answer.has_gpu)


def _cost_text(row: LeaderboardRow | None, cost: Cost) -> str:
    return "-" if row is None else f"{row.cost(cost):.4g}"


def _unit(found: Comparison) -> str:
    return {"usd": "USD", "gpu_hours": "device-hours", "device_seconds": "device-seconds"}[found.cost]
