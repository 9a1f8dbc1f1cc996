"""Whether one more attempt, or one more epoch, still fits the budget."""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass

from sweeper.history import SweepHistory
from sweeper.ledger import Meter
from sweeper.sections import BudgetSpec


@dataclass(frozen=True, slots=True)
class Use:
    """Device-seconds and their money, as far as anybody knows a price."""

    device_seconds: float
    usd: float

    @classmethod
    def at(cls, device_seconds: float, usd_per_hour: float | None) -> "Use":
        """What nobody knows the price of adds nothing to the money spent."""
        return cls(device_seconds, device_seconds * (usd_per_hour or 0.0) / 3600)


class Budget:
    """Totals over all launches, read from the ledger; it changes nothing.

    A new attempt must fit together with what the running ones are still expected to cost. The
    expectation is the median cost of the trials that are over, so the first few start on trust.
    """

    def __init__(self, limits: BudgetSpec, history: SweepHistory, meter: Meter) -> None:
        self._limits = limits
        self._history = history
        self._meter = meter
        self._settled, self._over = Use(0.0, 0.0), list[float]()
        self._counted = 0

    def shortage(self, live: Iterable[str], *, is_new: bool) -> str:
        """The limit that is reached, in words; empty where none is."""
        limits = self._limits
        wall = self._meter.wall()
        if limits.wall_hours is not None and wall >= limits.wall_hours * 3600:
            return f"{limits.wall_hours:g} wall-clock hours are over"
        if limits.gpu_hours is None and limits.usd is None:
            return ""
        self._settle()
        running = [Use.at(self.device_seconds(trial), self._price(trial)) for trial in live]
        used = [self._settled, *running]
        seconds = sum(use.device_seconds for use in used)
        expected = self._expected(running) if is_new else 0.0
        if limits.gpu_hours is not None and seconds + expected >= limits.gpu_hours * 3600:
            return f"{seconds / 3600:.3g} of {limits.gpu_hours:g} device-hours are spent"
        usd = sum(use.usd for use in used)
        price = usd / seconds if seconds else 0.0
        if limits.usd is not None and usd + expected * price >= limits.usd:
            return f"{usd:.2f} of {limits.usd:g} USD are spent"
        return ""

    def device_seconds(self, trial_id: str) -> float:
        """What the trial's running attempt has cost so far."""
        attempts = self._history.trials[trial_id].attempts
        return self._meter.reading(trial_id)[0] * attempts[-1].share if attempts else 0.0

    def _expected(self, running: list["Use"]) -> float:
        """Device-seconds still to come: of the running attempts, and of one more."""
        typical = self._typical()
        return typical + sum(max(0.0, typical - use.device_seconds) for use in running)

    def _price(self, trial_id: str) -> float | None:
        attempts = self._history.trials[trial_id].attempts
        return attempts[-1].usd_per_hour if attempts else None

    def _typical(self) -> float:
        return self._over[len(self._over) // 2] if self._over else 0.0

    def _settle(self) -> None:
        """Add what has ended since the last look: thousands of trials must not be summed at each report."""
        seconds, usd = self._settled.device_seconds, self._settled.usd
        for attempt in self._history.settled[self._counted :]:
            seconds, usd = seconds + attempt.device_seconds, usd + (attempt.usd or 0.0)
        self._counted, self._settled = len(self._history.settled), Use(seconds, usd)
        for trial in self._history.over[len(self._over) :]:
            bisect.insort(self._over, trial.device_seconds)
