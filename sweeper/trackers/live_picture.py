"""This draws a snapshot for a terminal: how far, the best, what runs, what is used. 80 columns are enough."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeper.trackers.moment_lines import eta_text
from sweeper.trackers.snapshot import Snapshot, TrialStatus
from sweeper.trial import State
from sweeper.wording import HOUR, cost_unit, device_text, duration_text, plain, score_text

MOST_ROWS = 12
"""Running trials shown; hundreds would push the rest off the screen."""
_CUTS = (16, 10, 8, 6, 5)
"""Widths of a value, tried from the left until all columns fit."""
_BARS = "▁▂▃▄▅▆▇█"
_CURVE = 24


def picture(snapshot: Snapshot, width: int = 80, rows: int = MOST_ROWS) -> Group:
    """Return a header, the running trials and the budgets, each line no wider than `width`."""
    parts: list[RenderableType] = [_header(snapshot)]
    if snapshot.running:
        parts += _running(snapshot, width, rows)
    if snapshot.budgets:
        parts.append(_budgets(snapshot))
    if snapshot.tracking_problem:
        late, problem = snapshot.undelivered, plain(snapshot.tracking_problem)
        said = f"tracking waits ({late} rows), the sweep goes on: {problem}"
        parts.append(Text(said, style="yellow"))
    return Group(*parts)


def sparkline(values: Sequence[float]) -> str:
    """Return a curve of a character a value, the lowest and the highest as far apart as they can be."""
    thinned = values if len(values) <= _CURVE else [values[n * len(values) // _CURVE] for n in range(_CURVE)]
    if not thinned:
        return ""
    low, high = min(thinned), max(thinned)
    steps = len(_BARS) - 1
    return "".join(_BARS[round(steps * (v - low) / (high - low)) if high > low else 0] for v in thinned)


def _header(snapshot: Snapshot) -> Text:
    of = f" of {snapshot.planned}" if snapshot.planned else ""
    text = Text(plain(snapshot.sweep), style="bold", no_wrap=True, overflow="ellipsis")
    text.append(f"  {snapshot.finished}{of} trials done", style="not bold")
    for state, style in ((State.STOPPED, "cyan"), (State.FAILED, "red"), (State.PAUSED, "yellow")):
        if count := snapshot.states.get(state, 0):
            text.append(f", {count} {state}", style=f"not bold {style}")
    if snapshot.best:
        best = f"\nbest {snapshot.metric} {score_text(snapshot.metric, snapshot.best.score)}"
        text.append(best, style="not bold green")
        text.append(f" (trial {snapshot.best.number}", style="not bold")
        text.append(f", epoch {snapshot.best.epoch})", style="not bold")
        text.append(f"  {sparkline(snapshot.best.curve)}", style="not bold green")
        text.append(f"  {plain(snapshot.best.label)}", style="not bold")
    money = f", {snapshot.usd:.2f} USD" if snapshot.usd else ""
    left = "" if snapshot.eta_seconds is None else f", {eta_text(snapshot)}"
    so_far = f"\n{duration_text(snapshot.elapsed_seconds)} so far, {_spent(snapshot)}{money}{left}"
    text.append(so_far, style="not bold dim")
    return text


def _spent(snapshot: Snapshot) -> str:
    """Return the device time in the unit of its limit, where it has one."""
    if "device-hours" not in snapshot.budgets:
        return device_text(snapshot.billed_device_seconds, snapshot.has_gpu)
    unit = cost_unit("gpu_hours", snapshot.has_gpu)
    return f"{snapshot.billed_device_seconds / HOUR:.3g} {unit}"


def _running(snapshot: Snapshot, width: int, most: int) -> list[RenderableType]:
    """Return a table of what differs between the trials, and a line of what does not."""
    shown, metric = snapshot.running[:most], snapshot.metric
    columns: dict[str, list[str]] = {
        "trial": [str(row.number) for row in shown],
        "epoch": [str(row.epoch or "-") for row in shown],
        "rung": ["-" if row.rung is None else f"{row.rung:g}" for row in shown],
        metric.rpartition("/")[2]: [score_text(metric, row.score) for row in shown],
        "s/epoch": ["-" if row.pace is None else f"{row.pace:.3g}" for row in shown],
    }
    if all(row.rung is None for row in shown):
        del columns["rung"]
    fixed = {name: max(len(name), *map(len, cells)) for name, cells in columns.items()}
    values, alike = _told_apart(shown)
    room = width - sum(fixed.values()) - len(fixed)
    widths, left_out = fitted(values, room)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    for name, size in {**fixed, **widths}.items():
        justify = "right" if name in fixed else "left"
        table.add_column(Text(name), justify=justify, no_wrap=True, overflow="ellipsis", width=size)
    named = [columns[name] for name in fixed] + [values[name] for name in widths]
    for cells in zip(*named, strict=True):
        table.add_row(*(Text(plain(cell)) for cell in cells))
    lines: list[RenderableType] = [table]
    if (more := len(snapshot.running) - most) > 0:
        lines.append(_dim(f"... and {more} more"))
    if left_out:
        lines.append(_dim(f"not shown: {', '.join(left_out)}"))
    if alike:
        lines.append(_dim(f"all: {' '.join(alike)}"))
    return lines


def _dim(text: str) -> Text:
    return Text(text, style="dim", no_wrap=True, overflow="ellipsis")


def _told_apart(shown: Sequence[TrialStatus]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the columns in which the trials differ, and what they have in common in words."""
    named = [row.label for row in shown if not row.values]
    values: dict[str, list[str]] = {"point": [row.label if not row.values else "-" for row in shown]}
    for name in dict.fromkeys(name for row in shown for name in row.values):
        values[name] = [row.values.get(name, "-") for row in shown]
    for name in ("node", "device"):
        values[name] = [str(getattr(row, name)) or "-" for row in shown]
    if not named:
        del values["point"]
    same = {name: cells[0] for name, cells in values.items() if len(shown) > 1 and len(set(cells)) == 1}
    alike = [f"{name}={plain(value)}" for name, value in same.items() if value != "-"]
    return {name: cells for name, cells in values.items() if name not in same and set(cells) != {"-"}}, alike


def fitted(values: Mapping[str, Sequence[str]], room: int) -> tuple[dict[str, int], list[str]]:
    """Return a width for each column that fits, and the names of those that do not, the last ones first out.

    A column is as wide as its values, and wider for its name where there is room.
    """
    kept = list(values)
    while kept:
        for cut in _CUTS:
            widths = {name: max(min(cut, max(map(len, values[name]))), 3) for name in kept}
            spare = room - sum(widths.values()) - len(kept)
            if spare >= 0:
                return _with_names(widths, spare), list(values)[len(kept) :]
        kept.pop()
    return {}, list(values)


def _with_names(widths: dict[str, int], spare: int) -> dict[str, int]:
    for name, width in sorted(widths.items(), key=lambda item: len(item[0]) - item[1]):
        more = min(spare, max(0, len(name) - width))
        widths[name] = width + more
        spare -= more
    return widths


def _budgets(snapshot: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, used in snapshot.budgets.items():
        unit = cost_unit("gpu_hours", snapshot.has_gpu) if name == "device-hours" else name
        bar = ProgressBar(total=1.0, completed=min(used, 1.0), width=30)
        limit = f" of {snapshot.limits[name]:g}" if name in snapshot.limits else ""
        table.add_row(Text(unit, style="dim"), bar, f"{100 * used:.0f} %{limit}")
    return table
