"""This module knows whether one more attempt, or a longer one, still fits the limits of the budget."""

from dataclasses import dataclass

from sweeper.config.sections import BudgetSpec
from sweeper.store.attempt import Grant
from sweeper.store.history import SweepHistory
from sweeper.store.ledger import Meter


@dataclass(slots=True)
class _Held:
    """A running attempt: since when it holds its device, and how many device-seconds are reserved for it."""

    since: float
    share: float
    usd_per_hour: float
    reserved: float = 0.0


@dataclass(slots=True)
class _Growing:
    """A sum that grows with the clock: each running attempt adds its rate times its seconds."""

    rate: float = 0.0
    _behind: float = 0.0
    _count: int = 0

    def add(self, rate: float, since: float) -> None:
        self.rate, self._behind, self._count = self.rate + rate, self._behind + rate * since, self._count + 1

    def remove(self, rate: float, since: float) -> None:
        self.rate, self._behind, self._count = self.rate - rate, self._behind - rate * since, self._count - 1
        if not self._count:
            self.rate = self._behind = 0.0  # no rounding error is carried on

    def at(self, now: float) -> float:
        return max(0.0, self.rate * now - self._behind)


class Budget:
    """Adds up what all launches have spent and what is reserved for running attempts; it decides nothing.

    When an attempt starts or goes on, its expected cost until the next decision about it is reserved. An
    attempt without a known price adds nothing to the money spent. `shortage` without a need takes constant
    time. `shortage` with a need walks all running attempts, so it is called once for each start and each
    rung.
    """

    def __init__(self, limits: BudgetSpec, history: SweepHistory, meter: Meter) -> None:
        self._limits = limits
        self._history = history
        self._meter = meter
        self._asked: dict[str, float] = {}
        self._live: dict[str, _Held] = {}
        self._seconds, self._usd = _Growing(), _Growing()
        self._settled, self._settled_usd, self._counted, self._booked = 0.0, 0.0, 0, 0

    def reserve(self, trial_id: str, device_seconds: float) -> None:
        """Reserve what the attempt will cost from now until the next decision about it."""
        held = self._live.get(trial_id)
        if held is None:
            self._asked[trial_id] = device_seconds
        else:
            held.reserved = self.device_seconds(trial_id) + device_seconds

    def started(self, trial_id: str, grant: Grant, seconds_ago: float = 0.0) -> None:
        """Bill the attempt from now on, because it holds its device."""
        since = self._meter.wall() - seconds_ago
        reserved = self._asked.pop(trial_id, 0.0)
        held = self._live[trial_id] = _Held(since, grant.share, grant.usd_per_hour or 0.0, reserved)
        self._seconds.add(held.share, since)
        self._usd.add(held.share * held.usd_per_hour, since)

    def ended(self, trial_id: str) -> None:
        """Forget the attempt: it has released its device, and the ledger knows what it cost."""
        self._asked.pop(trial_id, None)
        held = self._live.pop(trial_id, None)
        if held is not None:
            self._seconds.remove(held.share, held.since)
            self._usd.remove(held.share * held.usd_per_hour, held.since)

    def shortage(self, need: float = 0.0, *, besides: str = "", kept: float = 0.0) -> str:
        """Say which limit forbids `need` more device-seconds; the text is empty where no limit does.

        `besides` is the running attempt that asks, and its own reservation does not count. `kept` is what
        must be left for later work.
        """
        limits = self._limits
        if limits.wall_hours is not None and self._meter.wall() >= limits.wall_hours * 3600:
            return f"{limits.wall_hours:g} wall-clock hours are over"
        if limits.gpu_hours is None and limits.usd is None:
            return ""
        spent, usd = self.spent()
        wanted = kept + (need + self._reserved(besides) if need > 0 else 0.0)
        if limits.gpu_hours is not None and spent + wanted >= limits.gpu_hours * 3600:
            return _words(spent / 3600, wanted / 3600, f"{limits.gpu_hours:g} device-hours", ".3g")
        price = usd / spent if spent else 0.0
        if limits.usd is not None and usd + wanted * price >= limits.usd:
            return _words(usd, wanted * price, f"{limits.usd:g} USD", ".2f")
        return ""

    def spent(self) -> tuple[float, float]:
        """Return device-seconds and USD over all launches: ended attempts, running ones and one-off work."""
        self._settle()
        now = self._meter.wall()
        return self._settled + self._seconds.at(now), self._settled_usd + self._usd.at(now) / 3600

    def device_seconds(self, trial_id: str) -> float:
        """Return what the trial's running attempt has cost so far."""
        held = self._live.get(trial_id)
        return 0.0 if held is None else max(0.0, self._meter.wall() - held.since) * held.share

    def _reserved(self, besides: str) -> float:
        """Return what all other attempts have reserved and not used yet."""
        waiting = sum(amount for trial, amount in self._asked.items() if trial != besides)
        running = [(t, h.reserved - self.device_seconds(t)) for t, h in self._live.items() if t != besides]
        return waiting + sum(max(0.0, left) for _, left in running)

    def _settle(self) -> None:
        """Add what has ended since the last call, so that no report sums thousands of trials."""
        for attempt in self._history.settled[self._counted :]:
            self._settled += attempt.device_seconds
            self._settled_usd += attempt.usd or 0.0
        for work in self._history.booked[self._booked :]:
            self._settled += work.device_seconds
        self._counted, self._booked = len(self._history.settled), len(self._history.booked)


def _words(spent: float, wanted: float, limit: str, digits: str) -> str:
    said = f"{spent:{digits}} of {limit} are spent"
    return f"{said}, {wanted:{digits}} more would be needed" if wanted > 0 else said
