"""This module prints how one sweep stands, for people and as JSON."""

import time
from collections.abc import Iterator
from typing import Any

import click

from sweeper.cli.parts.table import print_pairs, print_table
from sweeper.cli.parts.trial_fate import fate
from sweeper.launch.live_snapshot import budgets_used
from sweeper.results.anytime import advice_text, anytime_of, last_tenth_text
from sweeper.results.stored_sweep import StoredSweep, next_commands, standing_text
from sweeper.store.account import covers
from sweeper.store.history import TrialHistory
from sweeper.trial import State
from sweeper.wording import counted, device_text, duration_text, plain, score_text

FAILURES = 3
"""Failed trials whose message is shown; `sweeper logs` has all."""


def print_status(sweep: StoredSweep) -> None:
    """Print what the sweep has done and used, what runs, what failed, and what to type next."""
    click.echo(f"{click.style(sweep.name, bold=True)}: {standing_text(sweep)}")
    print_pairs(_pairs(sweep))
    _print_trials("running", sweep, [t for t in sweep.history.trials.values() if t.state is State.RUNNING])
    print_pairs([("" if number else "next", line) for number, line in enumerate(_commands(sweep))])


def _pairs(sweep: StoredSweep) -> Iterator[tuple[str, str]]:
    states = ", ".join(f"{number} {state}" for state, number in sweep.counts.items())
    yield "trials", f"{len(sweep.history.trials)}: {states}" if states else "none yet"
    yield "best so far", _best_text(sweep)
    for number, line in enumerate(_budget_lines(sweep)):
        yield "" if number else "budget", line
    yield "device time", _device_text(sweep)
    if sweep.best is not None:
        metric, found = sweep.spec.objective.metric, anytime_of(sweep)
        yield "last tenth", last_tenth_text(metric, found)
        yield "stop now?" if sweep.owner else "enough?", advice_text(metric, found)
    yield (
        "wall clock",
        f"{duration_text(sweep.history.wall_seconds)} in {counted(sweep.history.launches, 'launch')}",
    )
    yield "tracking", _tracking_text(sweep)
    yield "last event", f"{duration_text(max(0.0, time.time() - sweep.last_at))} ago"
    for number, trial in enumerate(sweep.history.held):
        yield "" if number else "paused", f"trial {trial.number}  {fate(trial, sweep)}"
    failed = _failed(sweep)
    for number, trial in enumerate(failed[:FAILURES]):
        yield "" if number else "failures", f"trial {trial.number}  {_failure_text(trial)}"
    if len(failed) > FAILURES:
        yield "", f"and {len(failed) - FAILURES} more"


def _best_text(sweep: StoredSweep) -> str:
    objective, best = sweep.spec.objective, sweep.best
    report = best.best(objective.goal) if best else None
    if best is None or report is None:
        return f"no {objective.metric} yet"
    score = score_text(objective.metric, report.score)
    return f"{objective.metric} {score}  trial {best.number}, epoch {report.epoch}  {plain(best.label)}"


def _budget_lines(sweep: StoredSweep) -> Iterator[str]:
    used = budgets_used(sweep.spec.budget, sweep.history, covers(sweep.meta))
    for name, (spent, limit) in used.items():
        covered = f": {covers(sweep.meta)}" if name == "USD" else ""
        yield f"{spent:.4g} of {limit:g} {name} ({100 * spent / limit:.0f} %){covered}"


def _device_text(sweep: StoredSweep) -> str:
    sums, has_gpu = sweep.device_totals, sweep.has_gpu
    share = f" ({100 * sums.productive / sums.billed:.0f} %)" if sums.billed > 0 else ""
    money = "" if sums.usd is None or not sums.billed else f", {sums.usd:.2f} USD"
    billed = f"{device_text(sums.billed, has_gpu)} billed{money}"
    return f"{billed}, {device_text(sums.productive, has_gpu)} productive{share}, {_idle(sweep)} idle"


def _idle(sweep: StoredSweep) -> str:
    return device_text(sweep.device_totals.idle, sweep.has_gpu)


def _tracking_text(sweep: StoredSweep) -> str:
    waiting = (
        f"{counted(sweep.undelivered, 'row')} not delivered yet" if sweep.undelivered else "all delivered"
    )
    return f"{waiting}  ({sweep.tracking})"


def _failed(sweep: StoredSweep) -> list[TrialHistory]:
    """Return the failed trials, the latest first."""
    failed = [trial for trial in sweep.history.trials.values() if trial.state is State.FAILED]
    return sorted(failed, key=lambda trial: sweep.heard_at.get(trial.id, 0.0), reverse=True)


def _failure_text(trial: TrialHistory) -> str:
    outcome = trial.outcome
    if outcome is None:
        return "failed"
    parts = (outcome.kind.replace("_", " "), plain(outcome.message))
    return ": ".join(part for part in parts if part) or "failed"


def _print_trials(title: str, sweep: StoredSweep, trials: list[TrialHistory]) -> None:
    if not trials or sweep.owner is None:
        return
    click.echo(click.style(title, bold=True))
    metric = sweep.spec.objective.metric
    header = ("trial", "epoch", metric, "device-seconds", "heard", "configuration")
    now = time.time()
    rows = [
        (
            str(trial.number),
            str(trial.last.epoch) if trial.last else "-",
            score_text(metric, trial.last.score if trial.last else None),
            f"{trial.device_seconds:.0f}",
            f"{duration_text(max(0.0, now - sweep.heard_at[trial.id]))} ago",
            plain(trial.label),
        )
        for trial in trials
    ]
    print_table(header, rows, left=("configuration",))


def _commands(sweep: StoredSweep) -> tuple[str, ...]:
    name = sweep.name
    failed = _failed(sweep)
    seen = (f"sweeper logs {name} {failed[0].number}",) if failed else ()
    late = (f"sweeper sync {name}",) if sweep.undelivered and not sweep.owner else ()
    return tuple(dict.fromkeys((*next_commands(sweep.standing, name), *late, *seen)))


def status_facts(sweep: StoredSweep) -> dict[str, Any]:
    """Return the same as JSON."""
    objective, best, sums = sweep.spec.objective, sweep.best, sweep.device_totals
    report = best.best(objective.goal) if best else None
    used = budgets_used(sweep.spec.budget, sweep.history, covers(sweep.meta))
    running = [t for t in sweep.history.trials.values() if t.state is State.RUNNING and sweep.owner]
    return {
        "name": sweep.name,
        "state": sweep.standing,
        "why": sweep.history.closed,
        "host": sweep.owner.host if sweep.owner else None,
        "pid": sweep.owner.pid if sweep.owner else None,
        "trials": sweep.counts,
        "metric": objective.metric,
        "best": {"trial": best.number, "epoch": report.epoch, "score": report.score}
        if best and report
        else None,
        "budget": {name: {"used": spent, "limit": limit} for name, (spent, limit) in used.items()},
        "device": "gpu" if sweep.has_gpu else "cpu_slot",
        "billed_device_seconds": sums.billed,
        "productive_device_seconds": sums.productive,
        "idle_device_seconds": sums.idle,
        "usd": sums.usd if sums.billed else None,
        "anytime": anytime_of(sweep).as_dict(),
        "wall_seconds": sweep.history.wall_seconds,
        "launches": sweep.history.launches,
        "untold": sweep.undelivered,
        "running": [_running(trial, sweep) for trial in running],
        "failures": [{"trial": t.number, "message": _failure_text(t)} for t in _failed(sweep)],
        "next": _commands(sweep),
    }


def _running(trial: TrialHistory, sweep: StoredSweep) -> dict[str, Any]:
    last = trial.last
    return {
        "trial": trial.number,
        "epoch": last.epoch if last else 0,
        "score": last.score if last else None,
        "device_seconds": trial.device_seconds,
        "heard_at": sweep.heard_at[trial.id],
        "configuration": dict(trial.config),
    }
