"""This module shows the running sweep to observers: what just happened, and how everything stands."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from sweeper.config.parameter import Constant
from sweeper.config.sections import BudgetSpec
from sweeper.config.spec import SweepSpec
from sweeper.launch.eta import Foretold, eta_of
from sweeper.launch.trial_status import best_standing, standing_of
from sweeper.store.account import account_of, money_of
from sweeper.store.attempt import Attempt
from sweeper.store.events import AttemptEnded, AttemptStarted, Decided, Event, Heartbeat, SweepExtended
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import Totals
from sweeper.sweep.ranking import best_of, best_scored
from sweeper.sweep.sweep import Sweep
from sweeper.trackers.snapshot import Happening, Moment, Snapshot
from sweeper.trial import Goal, State

Used = tuple[float, float]
"""Spent, and the limit."""


def moment_of(event: Event, history: SweepHistory) -> Moment | None:
    """Return the event as something to show; None for one that concerns no trial."""
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
    """Return how the sweep stands now, with running attempts as of their last heartbeat."""
    return LiveSnapshot(Driven(sweep)).take(undelivered=undelivered, problem=problem)


class _Seen(NamedTuple):
    """What snapshots need of one trial.

    A higher `score` is better; the cost of `open` attempts still grows.
    """

    state: State
    reports: int
    score: float | None
    open: tuple[Attempt, ...]


class Seen(Protocol):
    """What a snapshot is made of: a sweep that runs here, or one whose record is followed."""

    @property
    def spec(self) -> SweepSpec:
        """Its file."""
        ...

    @property
    def history(self) -> SweepHistory:
        """All events so far."""
        ...

    def spent(self) -> tuple[float, float]:
        """Return device-seconds and USD, as the limits count them."""
        ...

    def wall(self) -> float:
        """Return the seconds with a driver, over all launches."""
        ...


@dataclass(frozen=True, slots=True)
class Driven:
    """A sweep that runs in this process."""

    sweep: Sweep

    @property
    def spec(self) -> SweepSpec:
        """Its file."""
        return self.sweep.spec

    @property
    def history(self) -> SweepHistory:
        """All events so far."""
        return self.sweep.history

    def spent(self) -> tuple[float, float]:
        """Return device-seconds and USD, running attempts as of now."""
        return self.sweep.spending.spent

    def wall(self) -> float:
        """Return the seconds with a driver until now."""
        return self.sweep.meter.wall()


class LiveSnapshot:
    """Makes two snapshots a second for a driver: each looks only at what happened since the last one.

    It must be called with every event of the sweep.
    """

    def __init__(self, sweep: Seen) -> None:
        self._sweep = sweep
        parameters = sweep.spec.space.parameters
        self._searched = [name for name, each in parameters.items() if not isinstance(each, Constant)]
        self._foretold = Foretold()
        self._seen: dict[str, _Seen] = {}
        self._changed = set(sweep.history.trials)
        self._states: Counter[State] = Counter()
        self._reports = 0
        self._running: dict[str, TrialHistory] = {}
        self._open: dict[str, tuple[Attempt, ...]] = {}
        self._settled = Totals()
        self._counted = 0
        self._has_repeats = False
        self._best: TrialHistory | None = None

    def on_event(self, event: Event, history: SweepHistory) -> None:
        """Note the event; it is a listener of the sweep."""
        if event.trial:
            self._changed.add(event.trial)
        elif isinstance(event, Heartbeat):
            self._changed.update(event.attempts)
        elif isinstance(event, SweepExtended):
            self._changed.update(history.trials)

    def take(self, *, undelivered: int = 0, problem: str = "") -> Snapshot:
        """Return how the sweep stands now, with running attempts as of their last heartbeat."""
        self._look_at_changed()
        spec, sums, wall = self._sweep.spec, self._totals(), self._sweep.wall()
        ended = sum(count for state, count in self._states.items() if state.is_final)
        used = _used(spec.budget, self._sweep.spent(), ended, wall)
        budgets = {name: spent / limit for name, (spent, limit) in used.items()}
        eta = eta_of(budgets | self._halfway(spec.budget.trials), wall, self._before_work())
        running = sorted(self._running.values(), key=lambda trial: trial.number)
        return Snapshot(
            sweep=spec.name,
            metric=spec.objective.metric,
            is_maximized=spec.objective.goal == "maximize",
            states=+self._states,
            planned=spec.budget.trials,
            running=tuple(standing_of(trial, self._searched) for trial in running),
            best=best_standing(self._best, spec.objective.goal) if self._best else None,
            reports=self._reports,
            billed_device_seconds=sums.billed,
            productive_device_seconds=sums.productive,
            usd=sums.usd,
            has_gpu=sums.gpu_billed > 0,
            budgets=budgets,
            limits={name: limit for name, (_, limit) in used.items()},
            elapsed_seconds=wall,
            eta_seconds=eta,
            eta_range=self._foretold.range(eta, wall),
            undelivered=undelivered,
            tracking_problem=problem,
        )

    def _before_work(self) -> float:
        """Seconds until the first trial had its device: images and Ray's start tell no pace."""
        trials = self._sweep.history.trials.values()
        return next((trial.attempts[0].granted for trial in trials if trial.attempts), 0.0)

    def _halfway(self, planned: int | None) -> dict[str, float]:
        """The share of the trials, one that runs as half of one."""
        if planned is None:
            return {}
        ended = sum(count for state, count in self._states.items() if state.is_final)
        return {"trials": (ended + len(self._running) / 2) / planned}

    def _look_at_changed(self) -> None:
        history, goal = self._sweep.history, self._sweep.spec.objective.goal
        for trial_id in self._changed:
            self._look_at(history.trials[trial_id], goal)
        if self._changed:
            self._best = best_of(history, goal) if self._has_repeats else self._best_scored(goal)
            self._changed.clear()

    def _look_at(self, trial: TrialHistory, goal: Goal) -> None:
        best = trial.best(goal)
        growing = tuple(attempt for attempt in trial.attempts if not attempt.ended)
        now = _Seen(trial.state, len(trial.reports), goal.sign * best.score if best else None, growing)
        before = self._seen.get(trial.id)
        self._seen[trial.id] = now
        self._reports += now.reports - (before.reports if before else 0)
        self._states[now.state] += 1
        if before:
            self._states[before.state] -= 1
        self._running.pop(trial.id, None)
        if now.state is State.RUNNING:
            self._running[trial.id] = trial
        self._open.pop(trial.id, None)
        if growing:
            self._open[trial.id] = growing
        self._has_repeats |= bool(trial.repeat or trial.is_final_run)

    def _best_scored(self, goal: Goal) -> TrialHistory | None:
        """The best trial where each configuration has one: only those with the best score are compared."""
        scores = {trial: seen.score for trial, seen in self._seen.items() if seen.score is not None}
        top = max(scores.values(), default=0.0)
        equals = [self._sweep.history.trials[trial] for trial, score in scores.items() if score == top]
        return best_scored(equals, goal)

    def _totals(self) -> Totals:
        """Return the sums of `ledger.totals`, adding each settled attempt only once."""
        history = self._sweep.history
        for attempt in history.settled[self._counted :]:
            self._settled.add(attempt)
        self._counted = len(history.settled)
        sums = replace(self._settled, one_off=sum(max(0.0, work.device_seconds) for work in history.booked))
        for growing in self._open.values():
            for attempt in growing:
                sums.add(attempt)
        return sums


def budgets_used(limits: BudgetSpec, history: SweepHistory, covers: str) -> dict[str, Used]:
    """Return for each limit that is set how much of it is used, and the limit.

    `covers` is what the limit in money covers.
    """
    ended = sum(trial.state.is_final for trial in history.trials.values())
    spent = (account_of(history).device_seconds(), money_of(history).covered(covers))
    return _used(limits, spent, ended, history.wall_seconds)


def _used(limits: BudgetSpec, spent: tuple[float, float], ended: int, wall_seconds: float) -> dict[str, Used]:
    seconds, usd = spent
    used: dict[str, tuple[float, float | None]] = {
        "trials": (ended, limits.trials),
        "device-hours": (seconds / 3600, limits.gpu_hours),
        "USD": (usd, limits.usd),
        "wall hours": (wall_seconds / 3600, limits.wall_hours),
    }
    return {name: (spent, limit) for name, (spent, limit) in used.items() if limit is not None}
