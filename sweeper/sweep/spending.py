"""This module says what a sweep can still afford: starts, longer attempts, and what is left for the final."""

from sweeper.config.spec import SweepSpec
from sweeper.store.attempt import Grant
from sweeper.store.history import TrialHistory
from sweeper.store.ledger import Meter
from sweeper.sweep.budget import Budget
from sweeper.sweep.state import DecidingState
from sweeper.sweep.trial_queue import Candidate
from sweeper.trial import Cause, Decision, Report, Verdict


class Spending:
    """Compares the limits of the sweep file with what attempts have cost and are expected to cost."""

    def __init__(self, spec: SweepSpec, state: DecidingState, meter: Meter) -> None:
        self._limits = spec.budget
        self._has_final = spec.final is not None
        self._state = state
        self._budget = Budget(spec.budget, state.history, meter)

    @property
    def is_over(self) -> bool:
        """Whether a limit is reached, so that nothing more can start."""
        return bool(self._budget.shortage())

    def fits(self, candidate: Candidate) -> bool:
        """Say whether the budget has room for the candidate until the first decision about it."""
        need = self._state.forecast.start(candidate.config, candidate.trial)
        return not self._budget.shortage(need, kept=0.0 if candidate.is_final_run else self._kept())

    def reserve_start(self, trial: TrialHistory) -> None:
        """Reserve what the attempt will cost until the first decision about it."""
        self._budget.reserve(trial.id, self._state.forecast.start(trial.config, trial))

    def on_start(self, trial_id: str, grant: Grant, seconds_ago: float) -> None:
        """Bill the attempt from now on, because it holds its device."""
        self._budget.started(trial_id, grant, seconds_ago)

    def on_end(self, trial_id: str) -> None:
        """Settle the attempt, which has released its device."""
        self._budget.ended(trial_id)

    def bounded(self, trial: TrialHistory, report: Report, verdict: Verdict) -> Verdict:
        """Return the verdict, or a pause where the budget has no room for what comes next."""
        kept = 0.0 if trial.is_final_run else self._kept()
        if shortage := self._budget.shortage(kept=kept) or self._reserved(trial, report, verdict):
            return Verdict(Decision.PAUSE, f"budget: {shortage}", cause=Cause.BUDGET)
        return verdict

    def usd(self, trial: TrialHistory) -> float | None:
        """Return what the trial has cost so far; None where the price of its running attempt is unknown."""
        if not trial.attempts or trial.attempts[-1].usd_per_hour is None:
            return None
        earlier = sum(attempt.usd or 0.0 for attempt in trial.attempts[:-1])
        price = trial.attempts[-1].usd_per_hour
        return earlier + self._budget.device_seconds(trial.id) * price / 3600

    def _reserved(self, trial: TrialHistory, report: Report, verdict: Verdict) -> str:
        """Reserve the way to the next rung, where the trial is at a rung; return the shortage, if any."""
        if verdict.rung is None:
            return ""
        need = self._state.forecast.onwards(trial.config, trial, report)
        shortage = self._budget.shortage(need, besides=trial.id, kept=self._kept())
        if not shortage:
            self._budget.reserve(trial.id, need)
        return shortage

    def _kept(self) -> float:
        """Return the device-seconds that the search must leave to the final."""
        if not self._has_final or (self._limits.gpu_hours is None and self._limits.usd is None):
            return 0.0
        return self._state.forecast.in_full(self._state.queue.final_to_come())
