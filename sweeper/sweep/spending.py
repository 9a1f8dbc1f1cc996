"""What a sweep can still afford: starts, stretches of running attempts, and what it keeps for its final."""

from sweeper.config.spec import SweepSpec
from sweeper.store.account import covers
from sweeper.store.attempt import Grant
from sweeper.store.history import TrialHistory
from sweeper.store.ledger import Meter
from sweeper.sweep.budget import Budget
from sweeper.sweep.state import DecidingState
from sweeper.sweep.trial_queue import Candidate
from sweeper.trial import Cause, Decision, Report, Verdict


class Spending:
    """Holds the budget of the file against what attempts have cost and are expected to cost."""

    def __init__(self, spec: SweepSpec, state: DecidingState, meter: Meter) -> None:
        self._limits = spec.budget
        self._has_final = spec.final is not None
        self._state = state
        quote = state.quote
        price, share = (quote.usd_per_hour, quote.share) if quote else (None, 1.0)
        self._budget = Budget(
            spec.budget,
            state.history,
            meter,
            covers=covers(state.meta),
            usd_per_hour=price or 0.0,
            share=share,
        )

    @property
    def is_over(self) -> bool:
        """Whether a limit is reached, so that nothing more can start."""
        return bool(self._budget.shortage())

    def fits(self, candidate: Candidate) -> bool:
        """Whether there is room for the candidate until it is judged for the first time.

        As long as nobody knows what an epoch takes, or a device costs, one trial runs and finds out. So
        does one that fits at the quote's fastest reading, by which a launch is let pass: read cautiously,
        none might.
        """
        if not self._budget.is_limited:
            return True
        if self._is_blind and not self._budget.is_free:
            return False
        need = self._state.forecast.start(candidate.config, candidate.trial)
        need /= self._state.forecast.doubt if self._budget.is_free else 1.0
        kept = 0.0 if candidate.is_final_run else self._kept()
        return not self._budget.shortage(need, kept=kept, seconds=need / self._budget.share)

    def reserve_start(self, trial: TrialHistory) -> None:
        """Set aside what the attempt will cost until it is judged for the first time."""
        if not self._budget.is_limited:
            return
        forecast = self._state.forecast
        need, first = forecast.start(trial.config, trial), forecast.first_epoch(trial.config, trial)
        self._budget.reserve(trial.id, need, first)

    def on_start(self, trial_id: str, grant: Grant, seconds_ago: float) -> None:
        """The attempt holds its device."""
        self._budget.started(trial_id, grant, seconds_ago)

    def on_divide(self) -> None:
        """What attempts that train as one have cost was divided among them."""
        self._budget.divided()

    def on_end(self, trial_id: str) -> None:
        """The attempt has released its device."""
        self._budget.ended(trial_id)

    def bounded(self, trial: TrialHistory, report: Report, verdict: Verdict) -> Verdict:
        """The verdict, or a pause where the budget has no room for what comes next."""
        if not self._budget.is_limited:
            return verdict
        budget, forecast = self._budget, self._state.forecast
        kept = 0.0 if trial.is_final_run else self._kept()
        share = trial.attempts[-1].share if trial.attempts else 1.0
        epoch, need = forecast.pace(trial.config, report), forecast.onwards(trial.config, trial, report)
        shortage = budget.shortage(kept=kept) or budget.report_shortage(
            trial.id, epoch, kept=kept, seconds=epoch / share
        )
        if not shortage and verdict.rung is not None:  # after a rung the way to the next one must fit
            shortage = budget.shortage(need, besides=trial.id, kept=kept, seconds=need / share)
        if shortage:
            return Verdict(Decision.PAUSE, f"budget: {shortage}", cause=Cause.BUDGET)
        budget.reserve(trial.id, need, epoch)
        return verdict

    @property
    def spent(self) -> tuple[float, float]:
        """Device-seconds and USD, as the limits count them."""
        return self._budget.spent()

    def epoch_seconds(self, trial: TrialHistory) -> float:
        """What an epoch of the trial takes on the clock, by its own pace or as foreseen; 0 where nobody
        knows."""
        share = trial.attempts[-1].share if trial.attempts else self._budget.share
        return self._state.forecast.pace(trial.config, trial.last) / share

    def usd(self, trial: TrialHistory) -> float | None:
        """What the trial has cost so far; None where the price of its running attempt is unknown."""
        if not trial.attempts or trial.attempts[-1].usd_per_hour is None:
            return None
        earlier = sum(attempt.usd or 0.0 for attempt in trial.attempts[:-1])
        price = trial.attempts[-1].usd_per_hour
        return earlier + self._budget.device_seconds(trial.id) * price / 3600

    @property
    def _is_blind(self) -> bool:
        is_price_missed = self._limits.usd is not None and not self._budget.knows_price
        is_limited = self._limits.gpu_hours is not None or self._limits.usd is not None
        return is_price_missed or (is_limited and self._state.forecast.is_blind)

    def _kept(self) -> float:
        """Device-seconds that the search leaves to the final."""
        if not self._has_final or (self._limits.gpu_hours is None and self._limits.usd is None):
            return 0.0
        return self._state.forecast.in_full(self._state.queue.final_to_come())
