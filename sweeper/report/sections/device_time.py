"""Where the device time went, and when: what each part of it was for, and a bar for each attempt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from sweeper.drawing.looks import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, SKY, YELLOW
from sweeper.report.section import Drawing, Section, by_name, drawn, spoken
from sweeper.results.card import Table
from sweeper.results.cards.bill import nodes as nodes_card
from sweeper.results.cards.bill import sums as sums_card
from sweeper.results.costs import Bill
from sweeper.results.leaderboard import Leaderboard
from sweeper.store.attempt import Attempt
from sweeper.store.history import SweepHistory
from sweeper.wording import counted, device_text, duration_text

_MOST_BARS = 2_000
_OUTCOMES = {
    "completed": ("trained in full", BLUE, ""),
    "stopped": ("stopped early", ORANGE, "/"),
    "paused": ("paused", SKY, "\\"),
    "interrupted": ("interrupted", YELLOW, "x"),
    "": ("running", GREEN, "."),
}
_LOST = ("lost with its node or driver", PURPLE, "+")
_FAILED = ("failed", RED, "x")


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the device time, in device-seconds."""

    name: str
    seconds: float
    color: str
    shape: str


def device_time(board: Leaderboard) -> Section:
    """Draw what was held as one bar of parts, and beside it what early stopping saved."""
    made = board.bill
    shares = list(_shares(board, made))
    if not shares:
        return Section("time", "Where the device time went", absent="no trial has had a device yet")
    figure = drawn("device-seconds", "", height=200)
    for share in shares:
        figure.add_trace(
            go.Bar(
                x=[share.seconds],
                y=["saved" if share.name.startswith("saved") else "held"],
                name=share.name,
                orientation="h",
                marker={"color": share.color, "pattern": {"shape": share.shape}},
                hovertemplate=f"{share.name}: %{{x:.1f}} device-seconds<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", margin={"t": 70})
    held = sum(share.seconds for share in shares if not share.name.startswith("saved"))
    said = f"Of {device_text(held, board.has_gpu)} held: " + ", ".join(
        f"{share.name} {100 * share.seconds / held:.0f} %"
        for share in shares
        if not share.name.startswith("saved")
    )
    table = Table(
        ("part", "device-seconds"), [(share.name, f"{share.seconds:.1f}") for share in shares], left=("part",)
    )
    lines = sums_card(board.sweep, made).lines
    tables = [table for table in nodes_card(board.sweep, made).tables if table.rows]
    drawing = Drawing(f"{said}.", figure, table)
    return Section("time", "Where the device time went", lines=lines, drawings=[drawing], tables=tables)


def _shares(board: Leaderboard, made: Bill) -> Iterator[Share]:
    sums = made.sums
    set_up = min(sums.set_up, max(0.0, sums.billed - sums.productive))
    lost = sum(each.repeated for each in made.preempted)
    other = max(0.0, sums.billed - sums.productive - set_up)
    productive = max(0.0, sums.productive - min(lost, sums.productive))
    validated = min(productive, _validated(board.sweep.history))
    parts = (
        Share("trained" if validated else "trained and validated", productive - validated, BLUE, ""),
        Share("validated", validated, SKY, "-"),
        Share("lost and trained again", min(lost, sums.productive), PURPLE, "+"),
        Share("set-up", set_up, ORANGE, "/"),
        Share("waiting for an answer or a checkpoint", other, YELLOW, "x"),
        Share("idle", max(0.0, sums.idle), GRAY, "."),
        Share("saved by early stopping (estimate)", made.saved, GREEN, "\\"),
    )
    return (part for part in parts if part.seconds > 0) if sums.billed > 0 else iter(())


def _validated(history: SweepHistory) -> float:
    """Return the device-seconds of validation; 0 for records from before reports told it."""
    return sum(
        report.metrics.get("validation_seconds", 0.0) * trial.attempts[-1].share
        for trial in history.trials.values()
        if trial.attempts
        for report in trial.reports
    )


def timeline(board: Leaderboard) -> Section:
    """Draw a bar for each attempt on its device, colored by how it ended; gaps are idle."""
    attempts = [each for each in board.sweep.history.attempts if each.billed > 0]
    if not attempts:
        return Section("timeline", "Timeline of the devices", absent="no trial has had a device yet")
    shown = attempts[-_MOST_BARS:]
    rows = _rows(shown)
    figure = drawn("seconds since the sweep began", "", height=140 + 26 * len(set(rows.values())))
    for look in dict.fromkeys(_look(each) for each in shown):
        those = [each for each in shown if _look(each) == look]
        name, color, shape = look
        figure.add_trace(
            go.Bar(
                base=[round(each.granted, 2) for each in those],
                x=[round(each.billed, 2) for each in those],
                y=[spoken(rows[_key(each)]) for each in those],
                orientation="h",
                name=f"{name} ({len(those)})",
                marker={"color": color, "pattern": {"shape": shape}, "line": {"width": 0.5}},
                customdata=[_number(board, each) for each in those],
                hovertemplate="trial %{customdata}<br>from %{base:.1f} s, for %{x:.1f} s<extra></extra>",
            )
        )
    by_name(figure, "y")
    figure.update_layout(barmode="overlay", margin={"l": 160, "t": 50}, xaxis={"rangemode": "tozero"})
    lost = sum(each.is_preempted for each in attempts)
    wall = duration_text(board.sweep.history.wall_seconds)
    said = f"{counted(len(attempts), 'attempt')} on {counted(len(set(rows.values())), 'slot')} in {wall}; "
    said += f"{lost} lost with a node or a driver." if lost else "none was lost with a node or a driver."
    notes = [] if len(shown) == len(attempts) else [f"Only the last {_MOST_BARS} attempts are drawn."]
    return Section(
        "timeline",
        "Timeline of the devices",
        drawings=[Drawing(said, figure, _table(board, shown))],
        notes=notes,
    )


def _look(attempt: Attempt) -> tuple[str, str, str]:
    if attempt.is_preempted:
        return _LOST
    return _OUTCOMES.get(attempt.ended, _FAILED)


def _key(attempt: Attempt) -> tuple[str, int]:
    return attempt.trial, attempt.number


def _rows(attempts: Sequence[Attempt]) -> dict[tuple[str, int], str]:
    """Put each attempt on the first slot of its node that is free: the record does not number the slots."""
    free: dict[str, list[float]] = {}
    rows: dict[tuple[str, int], str] = {}
    for attempt in sorted(attempts, key=lambda each: each.granted):
        slots = free.setdefault(f"{attempt.node} {attempt.device}", [])
        place = next((n for n, until in enumerate(slots) if until <= attempt.granted + 1e-6), len(slots))
        if place == len(slots):
            slots.append(0.0)
        slots[place] = attempt.granted + attempt.billed
        rows[_key(attempt)] = f"{attempt.node} {attempt.device} · {place + 1}"
    return rows


def _number(board: Leaderboard, attempt: Attempt) -> int:
    return board.sweep.history.trials[attempt.trial].number


def _table(board: Leaderboard, attempts: Sequence[Attempt]) -> Table:
    rows = [
        (
            str(_number(board, each)),
            str(each.number),
            each.node,
            f"{each.granted:.1f}",
            f"{each.billed:.1f}",
            each.ended or "running",
        )
        for each in attempts
    ]
    return Table(("trial", "attempt", "node", "from s", "for s", "ended"), rows, left=("node", "ended"))
