"""The running sweep as observers see it: what just happened, and how everything stands."""

from collections import Counter

from sweeper.config.sections import BudgetSpec
from sweeper.store.events import AttemptEnded, AttemptStarted, Decided, Event
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import totals
from sweeper.sweep.ranking import best_of
from sweeper.sweep.sweep import Sweep
from sweeper.trackers.snapshot import Happening, Moment, Snapshot, TrialStatus
from sweeper.trial import Goal, State

Used = tuple[float, float]
"""Spent, and the limit."""


def moment_of(event: Event, history: SweepHistory) -> Moment | None:
    """The event as something to show, None for what concerns no trial."""
    trial = history.trials.get(event.trial)
    if trial is None:
        return None
    last = trial.last
    epoch, score, seconds = (last.epoch, last.score, last.device_seconds) if last else (0, None, 0.0)
    verdict = trial.verdicts[-1][1] if trial.verdicts else None
    label, attempt, outcome = trial.label, event.attempt, trial.outcome
    match event:
        case AttemptStarted():
            return Moment(
                Happening.STARTED, trial.number, epoch, score, seconds, label=label, attempt=attempt
            )
        case Decided():
            return Moment(
                Happening.REPORTED, trial.number, epoch, score, seconds, verdict, None, label, attempt
            )
        case AttemptEnded() if trial.state.is_final:
            return Moment(
                Happening.ENDED, trial.number, epoch, score, seconds, verdict, outcome, label, attempt
            )
        case _:
            return None


def snapshot_of(sweep: Sweep, *, undelivered: int = 0, problem: str = "") -> Snapshot:
    """How the sweep stands now, running attempts as of their last beat."""
    spec, history, sums = sweep.spec, sweep.history, sweep.totals
    trials = list(history.trials.values())
    best = best_of(history, spec.objective.goal)
    return Snapshot(
        sweep=spec.name,
        metric=spec.objective.metric,
        is_maximized=spec.objective.goal == "maximize",
        states=Counter(trial.state for trial in trials),
        planned=spec.budget.trials,
        running=tuple(_standing(trial) for trial in trials if trial.state is State.RUNNING),
        best=_best_standing(best, spec.objective.goal) if best else None,
        reports=sum(len(trial.reports) for trial in trials),
        billed_device_seconds=sums.billed,
        productive_device_seconds=sums.productive,
        usd=sums.usd,
        has_gpu=sums.gpu_billed > 0,
        budgets=_budgets(sweep),
        elapsed_seconds=sweep.meter.wall(),
        eta_seconds=_eta(sweep),
        undelivered=undelivered,
        tracking_problem=problem,
    )


def _standing(trial: TrialHistory) -> TrialStatus:
    last = trial.last
    if last is None:
        return TrialStatus(trial.number, label=trial.label)
    return TrialStatus(trial.number, last.epoch, last.score, last.device_seconds, trial.label)


def _best_standing(trial: TrialHistory, goal: Goal) -> TrialStatus | None:
    best = trial.best(goal)
    if best is None:
        return None
    return TrialStatus(trial.number, best.epoch, best.score, best.device_seconds, trial.label)


def budgets_used(limits: BudgetSpec, history: SweepHistory, wall_seconds: float) -> dict[str, Used]:
    """Each limit that is set: how much of it is used, one-off work included, and the limit."""
    sums = totals(history)
    used: dict[str, tuple[float, float | None]] = {
        "trials": (sum(t.state.is_final for t in history.trials.values()), limits.trials),
        "device-hours": (sums.gpu_hours + sums.one_off / 3600, limits.gpu_hours),
        "USD": (sums.usd or 0.0, limits.usd),
        "wall hours": (wall_seconds / 3600, limits.wall_hours),
    }
    return {name: (spent, limit) for name, (spent, limit) in used.items() if limit is not None}


def _budgets(sweep: Sweep) -> dict[str, float]:
    used = budgets_used(sweep.spec.budget, sweep.history, sweep.meter.wall())
    return {name: spent / limit for name, (spent, limit) in used.items()}


def _eta(sweep: Sweep) -> float | None:
    """The budget that is used up most sets the pace; nobody can tell before 5 % of it are used."""
    most = max(_budgets(sweep).values(), default=0.0)
    return None if most < 0.05 else sweep.meter.wall() * (1 / most - 1)
