"""The watch finds attempts that hang, which fail without an exception, and those that wait too long."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sweeper.store.history import SweepHistory

PATIENCE_SECONDS = 300.0
UNKNOWN_PATIENCE_SECONDS = 3600.0
WAITING_SECONDS = 60.0


@dataclass
class Watch:
    """When each attempt was assigned and last gave a sign of life, on the monotonic clock.

    The watch counts from assignment. An attempt is hung after five median epochs without a sign,
    but not before `patience` seconds; while no epoch of any trial is known, after an hour.
    """

    patience: float = PATIENCE_SECONDS
    waiting_seconds: float = WAITING_SECONDS
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, float] = field(default_factory=dict[str, float])
    _waiting: dict[str, float] = field(default_factory=dict[str, float])

    def asked(self, key: str) -> None:
        """Note that the attempt waits for its resources."""
        self._waiting[key] = self.clock()

    def started(self, key: str) -> None:
        """Note that the attempt has its worker."""
        self._waiting.pop(key, None)
        self._seen[key] = self.clock()

    def alive(self, key: str) -> None:
        """Note a sign of life."""
        if key in self._seen:
            self._seen[key] = self.clock()

    def ended(self, key: str) -> None:
        """Expect nothing more of the attempt."""
        for held in (self._waiting, self._seen):
            held.pop(key, None)

    def hung(self, history: SweepHistory) -> list[str]:
        """Return the attempts that have been silent for too long."""
        limit, now = self._limit(history), self.clock()
        return [key for key, seen in self._seen.items() if now - seen > limit]

    def longest_wait(self) -> tuple[str, float]:
        """Return the attempt that has waited longest for resources, and its seconds; 0 where none waits."""
        waits = ((key, self.clock() - since) for key, since in self._waiting.items())
        return max(waits, key=lambda wait: wait[1], default=("", 0.0))

    def _limit(self, history: SweepHistory) -> float:
        if self.patience < PATIENCE_SECONDS:
            return self.patience
        epochs = [
            trial.last.device_seconds / trial.last.epoch / trial.attempts[-1].share
            for trial in history.trials.values()
            if trial.last and trial.last.epoch and trial.attempts
        ]
        return max(self.patience, 5 * statistics.median(epochs)) if epochs else UNKNOWN_PATIENCE_SECONDS
