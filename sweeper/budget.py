"""Whether one more attempt, or one more epoch, still fits the budget."""

from collections.abc import Iterable

from sweeper.history import SweepHistory
from sweeper.ledger import Meter, totals
from sweeper.spec import BudgetSpec


class Budget:
    """Totals over all launches, read from the ledger; it changes nothing.

    A new attempt must fit together with what the running ones are still expected to cost. The
    expectation is the median cost of the trials that are over, so the first few start on trust.
    """

    def __init__(self, limits: BudgetSpec, history: SweepHistory, meter: Meter) -> None:
        self._limits = limits
        self._history = history
        self._meter = meter

    def shortage(self, live: Iterable[str], *, is_new: bool) -> str:
        """The limit that is reached, in words; empty where none is."""
        limits = self._limits
        wall = self._meter.wall()
        if limits.wall_hours is not None and wall >= limits.wall_hours * 3600:
            return f"{limits.wall_hours:g} wall-clock hours are over"
        if limits.gpu_hours is None and limits.usd is None:
            return ""
        spent, expected = self._device_seconds(list(live), is_new=is_new)
        if limits.gpu_hours is not None and expected >= limits.gpu_hours * 3600:
            return f"{spent / 3600:.3g} of {limits.gpu_hours:g} device-hours are spent"
        price = self._usd_per_device_second()
        if limits.usd is not None and price is not None and expected * price >= limits.usd:
            return f"{spent * price:.2f} of {limits.usd:g} USD are spent"
        return ""

    def device_seconds(self, trial_id: str) -> float:
        """What the trial's running attempt has cost so far."""
        attempts = self._history.trials[trial_id].attempts
        return self._meter.reading(trial_id)[0] * attempts[-1].share if attempts else 0.0

    def _device_seconds(self, live: list[str], *, is_new: bool) -> tuple[float, float]:
        running = [self.device_seconds(trial) for trial in live]
        spent = sum(a.device_seconds for a in self._history.attempts if a.ended) + sum(running)
        typical = self._typical() if is_new else 0.0
        reserved = sum(max(0.0, typical - cost) for cost in running)
        return spent, spent + reserved + typical

    def _typical(self) -> float:
        costs = sorted(t.device_seconds for t in self._history.trials.values() if t.state.is_final)
        return costs[len(costs) // 2] if costs else 0.0

    def _usd_per_device_second(self) -> float | None:
        sums = totals(self._history)
        if sums.usd is not None and sums.billed > 0:
            return sums.usd / sums.billed
        prices = [attempt.usd_per_hour for attempt in self._history.attempts]
        return None if not prices or prices[-1] is None else prices[-1] / 3600
