"""The bill on a terminal: what was held, what became of it, and who it went to."""

from collections.abc import Iterable, Iterator, Sequence

import click

from sweeper.cli.parts.table import print_pairs, print_table
from sweeper.results.costs import Bill, NodeCost, TrialCost
from sweeper.results.stored_sweep import StoredSweep, standing_text
from sweeper.results.values import ValueCost
from sweeper.wording import device_text, duration_text, plain, score_text

Billed = NodeCost | ValueCost | TrialCost
VIEWS = ("trial", "parameter", "node")
HOUR = 3600
WHYS = {
    "preempted": "preempted",
    "driver_lost": "lost with their driver",
    "node_lost": "lost with their node",
}


def print_bill(told: StoredSweep, bill: Bill, by: str | None, count: int) -> None:
    """The sums and all tables; with `by` one table alone."""
    if by is None:
        click.echo(f"{click.style(told.paths.name, bold=True)}: {standing_text(told)}")
        print_pairs(_sums(bill))
    tables = {"node": _print_nodes, "parameter": _print_values, "trial": _print_trials}
    for view, show in tables.items():
        if by in (None, view):
            show(told, bill, count if by is None or view == "trial" else len(bill.trials))


def _sums(bill: Bill) -> Iterator[tuple[str, str]]:
    sums = bill.sums
    yield "held", f"{_time(bill, sums.held)}{_beside(bill.usd)}"
    yield "  billed", f"{_part(bill, sums.billed, sums.held)} to {_count(bill.attempts, 'attempt')}"
    yield "    productive", f"{_part(bill, sums.productive, sums.billed)}: training and evaluation"
    yield "    set-up", f"{_part(bill, sums.set_up, sums.billed)}: from each grant to the first step"
    yield (
        "    hand-over",
        f"{_part(bill, sums.hand_over, sums.billed)}: between reports, and until the release",
    )
    yield "  one-off", _one_off_text(bill)
    yield "  idle", f"{_part(bill, sums.idle, sums.held)}{_beside(bill.idle_usd)}"
    yield "failed", f"{_part(bill, sums.failed, sums.billed)}: billed to attempts that failed"
    yield from _preempted(bill)
    waited = "not recorded" if sums.waited is None else duration_text(sums.waited)
    yield "waiting", f"{waited}: before the grants of all attempts, which nobody bills"
    if bill.stopped:
        saved = _time(bill, bill.saved)
        yield "saved", f"about {saved} by stopping {_count(bill.stopped, 'trial')} early, at their own pace"
    yield from _money(bill)
    yield "energy", _energy_text(bill)
    if not bill.has_gpu:
        yield "", "CPU slots stand in for devices: no GPU was used"


def _one_off_text(bill: Bill) -> str:
    said = _part(bill, bill.sums.one_off, bill.sums.held)
    what = ", ".join(f"{plain(name)} {seconds:,.1f}" for name, seconds in bill.one_off.items())
    return f"{said}{_beside(bill.one_off_usd)}" + (f": {what} seconds" if what else "")


def _preempted(bill: Bill) -> Iterator[tuple[str, str]]:
    if not bill.preempted:
        yield "preempted", "no attempt"
    for number, kind in enumerate(bill.preempted):
        again = f"{_time(bill, kind.repeated)}{_beside(kind.usd)} done again since the last checkpoint"
        lost = f"{_count(kind.attempts, 'attempt')} {WHYS[kind.kind]}, {_time(bill, kind.billed)}"
        yield "" if number else "preempted", f"{lost}, of which {again}"


def _money(bill: Bill) -> Iterator[tuple[str, str]]:
    if not bill.prices:
        yield "money", "unknown: nobody knows a price" if bill.has_gpu else "unknown: a CPU slot has no price"
        return
    if bill.usd is None:
        known = sum(price.usd_per_hour * price.billed / HOUR for price in bill.prices)
        yield "money", f"{known:.2f} USD for the attempts whose price is known"
    else:
        yield "money", f"{bill.usd:.2f} USD, of which {bill.sums.usd or 0:.2f} USD were billed to attempts"
    for price in bill.prices:
        where = f"{price.source}, {price.date}" if price.date else price.source
        hourly = f"{price.usd_per_hour:.4g} USD an hour ({price.market.replace('_', ' ')}; {plain(where)})"
        yield "", f"{_time(bill, price.billed)} at {hourly}"


def _energy_text(bill: Bill) -> str:
    sums = bill.sums
    if sums.joules is None:
        return "not measured" if bill.has_gpu else "not measured: no GPU was used"
    covered = 100 * sums.measured / sums.billed if sums.billed else 0
    said = f"{sums.joules / 3.6e6:.3g} kWh by NVML for {covered:.0f} % of what was billed"
    return f"{said}; what shares a GPU is charged its share"


def _print_nodes(told: StoredSweep, bill: Bill, count: int) -> None:
    has_money, hours = bool(bill.prices), _in_hours(bill.nodes)
    header = ["node", "device", "attempts", f"held {_unit(hours)}", "billed", "idle", "busy"]
    rows: list[list[str]] = []
    for node in bill.nodes:
        busy = "-" if not node.held else f"{100 * node.billed / node.held:.0f} %"
        figures = [_figure(value, hours) for value in (node.held, node.billed, node.idle)]
        row = [plain(node.node), plain(node.device), str(node.attempts), *figures, busy]
        rows.append(
            row + ([_usd(node.usd_per_hour), _usd(node.usd), _usd(node.idle_usd)] if has_money else [])
        )
    if rows:
        click.echo(click.style("\nby node", bold=True))
        print_table(
            header + (["USD/h", "USD billed", "USD idle"] if has_money else []), rows, left=header[:2]
        )


def _print_values(told: StoredSweep, bill: Bill, count: int) -> None:
    has_money, hours = bool(bill.prices), _in_hours(bill.values)
    has_gain = any(value.efficiency is not None for value in bill.values)
    metric = told.spec.objective.metric
    header = ["parameter", "value", "trials", _unit(hours), *(["USD"] if has_money else [])]
    header += [f"best {metric}", "median", *([_gain_unit(bill)] if has_gain else [])]
    rows: list[list[str]] = []
    for value in bill.values:
        row = [value.parameter, plain(value.value), str(value.trials), _figure(value.billed, hours)]
        row += [_usd(value.usd)] if has_money else []
        row += [score_text(metric, value.best), score_text(metric, value.median)]
        row += [_gain(value.efficiency)] if has_gain else []
        rows.append(row)
    if rows:
        click.echo(click.style("\nby parameter value", bold=True))
        print_table(header, _grouped(rows), left=header[:2])


def _grouped(rows: Sequence[list[str]]) -> Iterator[list[str]]:
    """Without the parameter's name where the row above says it already."""
    before = ""
    for row in rows:
        yield [row[0] if row[0] != before else "", *row[1:]]
        before = row[0]


def _print_trials(told: StoredSweep, bill: Bill, count: int) -> None:
    has_money, hours = bool(bill.prices), _in_hours(bill.trials[:count])
    has_energy = bill.sums.joules is not None
    metric = told.spec.objective.metric
    header = ["trial", "state", "attempts", _unit(hours), "productive", "set-up"]
    header += [*(["USD"] if has_money else []), *(["Wh"] if has_energy else []), metric, "configuration"]
    rows: list[list[str]] = []
    for trial in bill.trials[:count]:
        share = f"{100 * trial.productive / trial.billed:.0f} %" if trial.billed else "-"
        row = [str(trial.number), trial.state, str(trial.attempts), _figure(trial.billed, hours), share]
        row.append(_figure(trial.set_up, hours))
        row += [_usd(trial.usd)] if has_money else []
        row += ["-" if trial.joules is None else f"{trial.joules / 3600:.3g}"] if has_energy else []
        rows.append([*row, score_text(metric, trial.score), plain(trial.label)])
    if rows:
        more = len(bill.trials) - len(rows)
        note = f"  (the dearest {len(rows)}; {more} more)" if more else ""
        click.echo(click.style("\nby trial", bold=True) + note)
        print_table(header, rows, left=("state", "configuration"))


def _time(bill: Bill, device_seconds: float) -> str:
    return device_text(device_seconds, bill.has_gpu)


def _part(bill: Bill, device_seconds: float, whole: float) -> str:
    share = f" ({100 * device_seconds / whole:.1f} %)" if whole > 0 else ""
    return f"{_time(bill, device_seconds)}{share}"


def _beside(usd: float | None) -> str:
    return "" if usd is None else f", {_usd(usd)} USD"


def _usd(usd: float | None) -> str:
    if usd is None:
        return "-"
    return f"{usd:.2f}" if usd >= 1 or usd == 0 else f"{usd:.3g}"


def _in_hours(rows: Iterable[Billed]) -> bool:
    """Hours where the dearest row has one, seconds in a table of small things."""
    return max((row.billed for row in rows), default=0.0) >= HOUR


def _unit(hours: bool) -> str:
    return "hours" if hours else "seconds"


def _figure(device_seconds: float | None, hours: bool) -> str:
    if device_seconds is None:
        return "-"
    if hours:
        return f"{device_seconds / HOUR:.3f}"
    return f"{device_seconds:.1f}" if device_seconds >= 1 or device_seconds == 0 else f"{device_seconds:.2g}"


def _gain_unit(bill: Bill) -> str:
    return f"points per {'GPU' if bill.has_gpu else 'CPU slot'} hour"


def _gain(efficiency: float | None) -> str:
    if efficiency is None:
        return "-"
    return f"{100 * efficiency:,.0f}" if abs(efficiency) >= 1 else f"{100 * efficiency:.3g}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"
