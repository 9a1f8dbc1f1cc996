"""How one sweep stands, for people and as JSON."""

import time
from collections.abc import Iterator
from typing import Any

import click

from sweeper.cli.parts.table import print_pairs, print_table
from sweeper.launch.live_snapshot import budgets_used
from sweeper.results.anytime import advice_text, anytime_of, last_tenth_text
from sweeper.results.stored_sweep import StoredSweep, next_commands, standing_text
from sweeper.store.history import TrialHistory
from sweeper.trial import State
from sweeper.wording import counted, device_text, duration_text, plain, score_text

FAILURES = 3
"""Failed trials whose message is shown; `sweeper logs` has all."""


def print_status(told: StoredSweep) -> None:
    """The page: what it has done and used, what runs, what failed, what to type next."""
    click.echo(f"{click.style(told.name, bold=True)}: {standing_text(told)}")
    print_pairs(_pairs(told))
    _print_trials("running", told, [t for t in told.history.trials.values() if t.state is State.RUNNING])
    print_pairs([("" if number else "next", line) for number, line in enumerate(_commands(told))])


def _pairs(told: StoredSweep) -> Iterator[tuple[str, str]]:
    states = ", ".join(f"{number} {state}" for state, number in told.counts.items())
    yield "trials", f"{len(told.history.trials)}: {states}" if states else "none yet"
    yield "best so far", _best_text(told)
    for number, line in enumerate(_budget_lines(told)):
        yield "" if number else "budget", line
    yield "device time", _device_text(told)
    if told.best is not None:
        metric, found = told.spec.objective.metric, anytime_of(told)
        yield "last tenth", last_tenth_text(metric, found)
        yield "stop now?" if told.owner else "enough?", advice_text(metric, found)
    yield (
        "wall clock",
        f"{duration_text(told.history.wall_seconds)} in {counted(told.history.launches, 'launch')}",
    )
    yield "tracking", _tracking_text(told)
    yield "last event", f"{duration_text(max(0.0, time.time() - told.last_at))} ago"
    failed = _failed(told)
    for number, trial in enumerate(failed[:FAILURES]):
        yield "" if number else "failures", f"trial {trial.number}  {_failure_text(trial)}"
    if len(failed) > FAILURES:
        yield "", f"and {len(failed) - FAILURES} more"


def _best_text(told: StoredSweep) -> str:
    objective, best = told.spec.objective, told.best
    report = best.best(objective.goal) if best else None
    if best is None or report is None:
        return f"no {objective.metric} yet"
    score = score_text(objective.metric, report.score)
    return f"{objective.metric} {score}  trial {best.number}, epoch {report.epoch}  {plain(best.label)}"


def _budget_lines(told: StoredSweep) -> Iterator[str]:
    used = budgets_used(told.spec.budget, told.history, told.history.wall_seconds)
    for name, (spent, limit) in used.items():
        yield f"{spent:.4g} of {limit:g} {name} ({100 * spent / limit:.0f} %)"


def _device_text(told: StoredSweep) -> str:
    sums, has_gpu = told.device_totals, told.has_gpu
    share = f" ({100 * sums.productive / sums.billed:.0f} %)" if sums.billed > 0 else ""
    money = "" if sums.usd is None or not sums.billed else f", {sums.usd:.2f} USD"
    billed = f"{device_text(sums.billed, has_gpu)} billed{money}"
    return f"{billed}, {device_text(sums.productive, has_gpu)} productive{share}, {_idle(told)} idle"


def _idle(told: StoredSweep) -> str:
    return device_text(told.device_totals.idle, told.has_gpu)


def _tracking_text(told: StoredSweep) -> str:
    waiting = f"{counted(told.undelivered, 'row')} not delivered yet" if told.undelivered else "all delivered"
    return f"{waiting}  ({told.tracking})"


def _failed(told: StoredSweep) -> list[TrialHistory]:
    """The failed trials, the latest first."""
    failed = [trial for trial in told.history.trials.values() if trial.state is State.FAILED]
    return sorted(failed, key=lambda trial: told.heard.get(trial.id, 0.0), reverse=True)


def _failure_text(trial: TrialHistory) -> str:
    outcome = trial.outcome
    if outcome is None:
        return "failed"
    parts = (outcome.kind.replace("_", " "), plain(outcome.message))
    return ": ".join(part for part in parts if part) or "failed"


def _print_trials(title: str, told: StoredSweep, trials: list[TrialHistory]) -> None:
    if not trials or told.owner is None:
        return
    click.echo(click.style(title, bold=True))
    metric = told.spec.objective.metric
    header = ("trial", "epoch", metric, "device-seconds", "heard", "configuration")
    now = time.time()
    rows = [
        (
            str(trial.number),
            str(trial.last.epoch) if trial.last else "-",
            score_text(metric, trial.last.score if trial.last else None),
            f"{trial.device_seconds:.0f}",
            f"{duration_text(max(0.0, now - told.heard[trial.id]))} ago",
            plain(trial.label),
        )
        for trial in trials
    ]
    print_table(header, rows, left=("configuration",))


def _commands(told: StoredSweep) -> tuple[str, ...]:
    name = told.name
    failed = _failed(told)
    seen = (f"sweeper logs {name} {failed[0].number}",) if failed else ()
    late = (f"sweeper sync {name}",) if told.undelivered and not told.owner else ()
    return tuple(dict.fromkeys((*next_commands(told.standing, name), *late, *seen)))


def status_facts(told: StoredSweep) -> dict[str, Any]:
    """The same as JSON."""
    objective, best, sums = told.spec.objective, told.best, told.device_totals
    report = best.best(objective.goal) if best else None
    used = budgets_used(told.spec.budget, told.history, told.history.wall_seconds)
    running = [t for t in told.history.trials.values() if t.state is State.RUNNING and told.owner]
    return {
        "name": told.name,
        "state": told.standing,
        "why": told.history.closed,
        "host": told.owner.host if told.owner else None,
        "pid": told.owner.pid if told.owner else None,
        "trials": told.counts,
        "metric": objective.metric,
        "best": {"trial": best.number, "epoch": report.epoch, "score": report.score}
        if best and report
        else None,
        "budget": {name: {"used": spent, "limit": limit} for name, (spent, limit) in used.items()},
        "device": "gpu" if told.has_gpu else "cpu_slot",
        "billed_device_seconds": sums.billed,
        "productive_device_seconds": sums.productive,
        "idle_device_seconds": sums.idle,
        "usd": sums.usd if sums.billed else None,
        "anytime": anytime_of(told).as_dict(),
        "wall_seconds": told.history.wall_seconds,
        "launches": told.history.launches,
        "untold": told.undelivered,
        "running": [_running(trial, told) for trial in running],
        "failures": [{"trial": t.number, "message": _failure_text(t)} for t in _failed(told)],
        "next": _commands(told),
    }


def _running(trial: TrialHistory, told: StoredSweep) -> dict[str, Any]:
    last = trial.last
    return {
        "trial": trial.number,
        "epoch": last.epoch if last else 0,
        "score": last.score if last else None,
        "device_seconds": trial.device_seconds,
        "heard_at": told.heard[trial.id],
        "configuration": dict(trial.config),
    }
