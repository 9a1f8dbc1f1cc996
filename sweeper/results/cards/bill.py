"""These cards make up the bill of a sweep: what was held, what became of it, and what it was for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sweeper.results.card import Card, Table, Words
from sweeper.results.costs import Bill
from sweeper.results.stored_sweep import StoredSweep, standing_text
from sweeper.store.account import covers
from sweeper.wording import (
    HOUR,
    cost_unit,
    counted,
    device_text,
    duration_text,
    gain_figure,
    plain,
    score_text,
    time_figure,
    usd_figure,
)

LOST = {"driver_lost": "lost with their driver", "node_lost": "lost with their node"}


def sums(sweep: StoredSweep, bill: Bill) -> Card:
    """Show what the devices gave, and what for.

    Facts are device-seconds, of CPU slots if `device` says so.
    """
    notes = [] if bill.has_gpu else [Words("", "CPU slots stand in for devices: no GPU was used")]
    lines = [*_time_lines(bill), *_preempted(bill), *_lost(bill), *_money(bill), *_cap(sweep, bill)]
    lines += [Words("energy", _energy_text(bill)), *notes]
    return Card(sweep.paths.name, _facts(bill), subtitle=standing_text(sweep), lines=lines)


def nodes(sweep: StoredSweep, bill: Bill) -> Card:
    """Show every node, the dearest first."""
    has_money, in_hours = bool(bill.prices), _in_hours(node.billed for node in bill.nodes)
    header = ["node", "device", "attempts", f"held {_unit(in_hours)}", "billed", "idle", "busy"]
    rows: list[list[str]] = []
    for node in bill.nodes:
        busy = "-" if not node.held else f"{100 * node.billed / node.held:.0f} %"
        figures = [time_figure(value, in_hours) for value in (node.held, node.billed, node.idle)]
        money = [usd_figure(usd) for usd in (node.usd_per_hour, node.usd, node.idle_usd)]
        row = [plain(node.node), plain(node.device), str(node.attempts), *figures, busy]
        rows.append(row + (money if has_money else []))
    header += ["USD/h", "USD billed", "USD idle"] if has_money else []
    table = Table(header, rows, title="by node", left=("node", "device"))
    return _card(table, {"nodes": [asdict(node) for node in bill.nodes]})


def parameters(sweep: StoredSweep, bill: Bill) -> Card:
    """Show every value of a parameter that differs between trials, and what it brought."""
    has_money, in_hours = bool(bill.prices), _in_hours(value.billed for value in bill.values)
    has_gain = any(value.efficiency is not None for value in bill.values)
    metric = sweep.spec.objective.metric
    header = ["parameter", "value", "trials", _unit(in_hours), *(["USD"] if has_money else [])]
    gain_unit = f"points per {cost_unit('gpu_hours', bill.has_gpu, is_one=True)}"
    header += [f"best {metric}", "median", *([gain_unit] if has_gain else [])]
    rows: list[list[str]] = []
    for value in bill.values:
        row = [value.parameter, plain(value.value), str(value.trials), time_figure(value.billed, in_hours)]
        row += [usd_figure(value.usd)] if has_money else []
        row += [score_text(metric, value.best), score_text(metric, value.median)]
        row += [gain_figure(value.efficiency)] if has_gain else []
        rows.append(row)
    table = Table(header, list(_grouped(rows)), title="by parameter value", left=("parameter", "value"))
    return _card(table, {"parameters": [asdict(value) for value in bill.values]})


def trials(sweep: StoredSweep, bill: Bill, count: int | None = None) -> Card:
    """Show the dearest `count` trials, or all."""
    shown = bill.trials[:count]
    in_hours = _in_hours(trial.billed for trial in shown)
    has_money, has_energy = bool(bill.prices), bill.sums.joules is not None
    metric = sweep.spec.objective.metric
    header = ["trial", "state", "attempts", _unit(in_hours), "productive", "set-up"]
    header += [*(["USD"] if has_money else []), *(["Wh"] if has_energy else []), metric, "configuration"]
    rows: list[list[str]] = []
    for trial in shown:
        share = f"{100 * trial.productive / trial.billed:.0f} %" if trial.billed else "-"
        row = [
            str(trial.number),
            trial.state,
            str(trial.attempts),
            time_figure(trial.billed, in_hours),
            share,
        ]
        row.append(time_figure(trial.set_up, in_hours))
        row += [usd_figure(trial.usd)] if has_money else []
        row += ["-" if trial.joules is None else f"{trial.joules / HOUR:.3g}"] if has_energy else []
        rows.append([*row, score_text(metric, trial.score), plain(trial.label)])
    more = len(bill.trials) - len(rows)
    aside = f"(the dearest {len(rows)}; {more} more)" if more else ""
    table = Table(header, rows, title="by trial", left=("state", "configuration"), aside=aside)
    return _card(table, {"trials": [asdict(trial) for trial in shown]})


def _card(table: Table, facts: Mapping[str, Any]) -> Card:
    """Make a card of the table; an empty table is not shown."""
    return Card(table.title, facts, tables=[table] if table.rows else [])


def _facts(bill: Bill) -> dict[str, Any]:
    sums = bill.sums
    return {
        "device": "gpu" if bill.has_gpu else "cpu_slot",
        "held_device_seconds": sums.held,
        "billed_device_seconds": sums.billed,
        "productive_device_seconds": sums.productive,
        "set_up_device_seconds": sums.set_up,
        "hand_over_device_seconds": sums.hand_over,
        "one_off_device_seconds": sums.one_off,
        "one_off": dict(bill.one_off),
        "idle_device_seconds": sums.idle,
        "failed_device_seconds": sums.failed,
        "preempted_device_seconds": sums.preempted,
        "repeated_device_seconds": sums.repeated,
        "saved_device_seconds": bill.saved,
        "stopped_early": bill.stopped,
        "waited_seconds": sums.waited,
        "usd": bill.usd,
        "billed_usd": sums.usd if bill.attempts else None,
        "idle_usd": bill.idle_usd,
        "one_off_usd": bill.one_off_usd,
        "prices": [asdict(price) for price in bill.prices],
        "joules": sums.joules,
        "joules_cover_device_seconds": sums.measured,
        "preempted": [asdict(kind) for kind in bill.preempted],
    }


def _time_lines(bill: Bill) -> Iterator[Words]:
    sums = bill.sums
    yield Words("held", f"{_time(bill, sums.held)}{_beside(bill.usd)}")
    yield Words("  billed", f"{_part(bill, sums.billed, sums.held)} to {counted(bill.attempts, 'attempt')}")
    parts = {
        "    productive": (sums.productive, "training and evaluation"),
        "    set-up": (sums.set_up, "from each grant to the first step"),
        "    hand-over": (sums.hand_over, "between reports, and until the release"),
    }
    for name, (seconds, meaning) in parts.items():
        yield Words(name, f"{_part(bill, seconds, sums.billed)}: {meaning}")
    what = ", ".join(f"{plain(name)} {seconds:,.1f}" for name, seconds in bill.one_off.items())
    one_off = f"{_part(bill, sums.one_off, sums.held)}{_beside(bill.one_off_usd)}"
    yield Words("  one-off", one_off + (f": {what} seconds" if what else ""))
    yield Words("  idle", f"{_part(bill, sums.idle, sums.held)}{_beside(bill.idle_usd)}")
    yield Words("failed", f"{_part(bill, sums.failed, sums.billed)}: billed to attempts that failed")


def _preempted(bill: Bill) -> Iterator[Words]:
    if not bill.preempted:
        yield Words("preempted", "no attempt")
    for number, kind in enumerate(bill.preempted):
        again = f"{_time(bill, kind.repeated)}{_beside(kind.usd)} done again since the last checkpoint"
        how = LOST.get(kind.kind, kind.kind)
        lost = f"{counted(kind.attempts, 'attempt')} {how}, {_time(bill, kind.billed)}"
        yield Words("" if number else "preempted", f"{lost}, of which {again}")


def _lost(bill: Bill) -> Iterator[Words]:
    waited = "not recorded" if bill.sums.waited is None else duration_text(bill.sums.waited)
    yield Words("waiting", f"{waited}: before the grants of all attempts, which nobody bills")
    if bill.stopped:
        stopping = f"by stopping {counted(bill.stopped, 'trial')} early, at their own pace"
        yield Words("saved", f"about {_time(bill, bill.saved)} {stopping}")


def _money(bill: Bill) -> Iterator[Words]:
    if not bill.prices:
        why = "nobody knows a price" if bill.has_gpu else "a CPU slot has no price"
        yield Words("money", f"unknown: {why}")
        return
    if bill.usd is None:
        known = sum(price.usd_per_hour * price.billed / HOUR for price in bill.prices)
        said = f"{known:.2f} USD for the attempts whose price is known"
    else:
        said = f"{bill.usd:.2f} USD, of which {bill.sums.usd or 0:.2f} USD were billed to attempts"
    yield Words("money", said)
    for price in bill.prices:
        where = f"{price.source}, {price.date}" if price.date else price.source
        hourly = f"{price.usd_per_hour:.4g} USD an hour ({price.market.replace('_', ' ')}; {plain(where)})"
        yield Words("", f"{_time(bill, price.billed)} at {hourly}")


def _cap(sweep: StoredSweep, bill: Bill) -> Iterator[Words]:
    """The limit in money, and what it covers."""
    limit = sweep.spec.budget.usd
    if limit is not None:
        spent = bill.money.covered(covers(sweep.meta))
        yield Words("", f"budget.usd: {spent:.2f} of {limit:g} USD; it covers {covers(sweep.meta)}")


def _energy_text(bill: Bill) -> str:
    sums = bill.sums
    if sums.joules is None:
        return "not measured" if bill.has_gpu else "not measured: no GPU was used"
    covered = 100 * sums.measured / sums.billed if sums.billed else 0
    said = f"{sums.joules / 3.6e6:.3g} kWh by NVML for {covered:.0f} % of what was billed"
    return f"{said}; what shares a GPU is charged its share"


def _grouped(rows: Sequence[list[str]]) -> Iterator[list[str]]:
    """Leave out the parameter's name where the row above has it already."""
    before = ""
    for row in rows:
        yield [row[0] if row[0] != before else "", *row[1:]]
        before = row[0]


def _time(bill: Bill, device_seconds: float) -> str:
    return device_text(device_seconds, bill.has_gpu)


def _part(bill: Bill, device_seconds: float, whole: float) -> str:
    share = f" ({100 * device_seconds / whole:.1f} %)" if whole > 0 else ""
    return f"{_time(bill, device_seconds)}{share}"


def _beside(usd: float | None) -> str:
    return "" if usd is None else f", {usd_figure(usd)} USD"


def _in_hours(billed: Iterable[float]) -> bool:
    """Say whether to count in hours: if the dearest row takes one; small tables count in seconds."""
    return max(billed, default=0.0) >= HOUR


def _unit(in_hours: bool) -> str:
    return "hours" if in_hours else "seconds"
