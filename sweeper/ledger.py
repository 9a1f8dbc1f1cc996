"""What a sweep costs: a meter over running attempts, and the sums that the budget is held against."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sweeper.history import Attempt, SweepHistory

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Grant:
    """The device that an attempt received. `share` is the fraction of it, or how many of them.

    Without a GPU, a CPU slot stands in for the device. `usd_per_hour` is the price of one whole
    device, None where nobody knows it.
    """

    node: str = "local"
    device: str = "cpu"
    is_gpu: bool = False
    share: float = 1.0
    usd_per_hour: float | None = None


@dataclass(slots=True)
class _Running:
    since: float
    productive: float = 0.0


@dataclass(slots=True)
class Meter:
    """Seconds on the monotonic clock: of each running attempt, of the launch, and of what it held."""

    clock: Clock = time.monotonic
    wall_before: float = 0.0
    capacity_before: float = 0.0
    slots: float = 0.0
    _started: float = 0.0
    _capacity: float = 0.0
    _capacity_at: float = 0.0
    _running: dict[str, _Running] = field(default_factory=dict[str, _Running])

    def __post_init__(self) -> None:
        """The launch begins now."""
        self._started = self._capacity_at = self.clock()

    def start(self, trial: str, seconds_ago: float = 0.0) -> None:
        """The trial's attempt has received its device."""
        self._running[trial] = _Running(self.clock() - seconds_ago)

    def trained(self, trial: str, seconds: float) -> None:
        """The running attempt has trained and evaluated for so long, on top of what was said before."""
        if trial in self._running:
            self._running[trial].productive += max(0.0, seconds)

    def reading(self, trial: str) -> tuple[float, float]:
        """(billed, productive) seconds of the running attempt, never negative; zeros where none runs."""
        running = self._running.get(trial)
        if running is None:
            return 0.0, 0.0
        billed = max(0.0, self.clock() - running.since)
        return billed, min(running.productive, billed)

    def stop(self, trial: str) -> tuple[float, float]:
        """The last reading of the attempt, which has released its device."""
        reading = self.reading(trial)
        self._running.pop(trial, None)
        return reading

    def hold(self, slots: float) -> None:
        """From now on the sweep holds this many whole devices, busy or idle."""
        self._settle_capacity()
        self.slots = slots

    def wall(self) -> float:
        """Seconds for which a driver has run, over all launches."""
        return self.wall_before + self.clock() - self._started

    def capacity(self) -> float:
        """Device-seconds that the sweep has held, over all launches."""
        self._settle_capacity()
        return self.capacity_before + self._capacity

    def _settle_capacity(self) -> None:
        now = self.clock()
        self._capacity += self.slots * max(0.0, now - self._capacity_at)
        self._capacity_at = now


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over attempts, in device-seconds. `usd` is None as soon as one price is unknown."""

    billed: float
    productive: float
    failed: float
    preempted: float
    capacity: float
    gpu_billed: float
    usd: float | None

    @property
    def gpu_hours(self) -> float:
        """Billed hours of GPUs, or of the CPU slots that stand in where no attempt had a GPU."""
        return (self.gpu_billed or self.billed) / 3600

    @property
    def overhead(self) -> float:
        """Billed but neither training nor evaluating: set-up, waiting, hand-over."""
        return self.billed - self.productive

    @property
    def idle(self) -> float:
        """Held by the sweep but billed to no attempt."""
        return max(0.0, self.capacity - self.billed)


PREEMPTIONS = ("preempted", "driver_lost")


def totals(history: SweepHistory) -> Totals:
    """The sums of everything in the history; running attempts as of their last beat."""
    attempts = history.attempts
    prices = [attempt.usd for attempt in attempts]
    return Totals(
        billed=_sum(attempts),
        productive=sum(attempt.productive_device_seconds for attempt in attempts),
        failed=_sum([a for a in attempts if _has_failed(a)]),
        preempted=_sum([a for a in attempts if a.ended in PREEMPTIONS]),
        capacity=history.capacity_device_seconds,
        gpu_billed=_sum([a for a in attempts if a.is_gpu]),
        usd=None if None in prices else sum(price for price in prices if price is not None),
    )


def _sum(attempts: list[Attempt]) -> float:
    return sum(attempt.device_seconds for attempt in attempts)


def _has_failed(attempt: Attempt) -> bool:
    fine = ("", "completed", "stopped", "paused", "interrupted", "budget", "cancelled", *PREEMPTIONS)
    return attempt.ended not in fine
