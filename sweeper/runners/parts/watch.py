"""The watch finds attempts that hang, which fail without an exception, and those that wait too long."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE_SECONDS = 300.0
FIRST_PATIENCE_SECONDS = 1200.0
"""Before an attempt's first report: weights are loaded, features computed, networks compiled."""
UNKNOWN_PATIENCE_SECONDS = 3600.0
EPOCHS = 5
"""Of its own, for which an attempt may be silent."""
WAITING_SECONDS = 60.0


@dataclass
class Watch:
    """When each attempt was assigned and last gave a sign of life, on the monotonic clock.

    The watch counts from assignment. An attempt is hung after five of its own epochs without a sign, by its
    own pace or the one that is foreseen for its configuration. It is not before `patience` seconds, twenty
    minutes before its first report, or an hour where nobody can foresee its pace.
    """

    patience: float = PATIENCE_SECONDS
    waiting_seconds: float = WAITING_SECONDS
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, float] = field(default_factory=dict[str, float])
    _waiting: dict[str, float] = field(default_factory=dict[str, float])
    _signs: dict[str, object] = field(default_factory=dict[str, object])
    _reported: set[str] = field(default_factory=set[str])

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

    def reported(self, key: str) -> None:
        """Its first report, or a further one: what comes before it is over."""
        self._reported.add(key)

    def ended(self, key: str) -> None:
        """Expect nothing more of the attempt."""
        for held in (self._waiting, self._seen, self._signs):
            held.pop(key, None)
        self._reported.discard(key)

    def hung(self, epoch_seconds: Callable[[str], float], sign: Callable[[str], object]) -> list[str]:
        """Return the attempts that have been silent for too long.

        `epoch_seconds` foresees an epoch of one, 0 where nobody can. `sign` is what its worker said within
        the epoch, None for nothing: silent ones are asked, and live where it is another than before.
        """
        now = self.clock()
        limits = {key: self._limit(key, epoch_seconds) for key in self._seen}
        silent = [key for key, seen in self._seen.items() if now - seen > limits[key]]
        return [key for key in silent if not self._gives(key, sign(key))]

    def longest_wait(self) -> tuple[str, float]:
        """Return the attempt that has waited longest for resources, and its seconds; 0 where none waits."""
        waits = ((key, self.clock() - since) for key, since in self._waiting.items())
        return max(waits, key=lambda wait: wait[1], default=("", 0.0))

    def _gives(self, key: str, sign: object) -> bool:
        """Whether the sign is a new one."""
        is_new = sign is not None and sign != self._signs.get(key)
        if is_new:
            self._signs[key] = sign
            self.alive(key)
        return is_new

    def _limit(self, key: str, epoch_seconds: Callable[[str], float]) -> float:
        if self.patience < PATIENCE_SECONDS:
            return self.patience
        epoch = epoch_seconds(key)
        if not epoch:
            return UNKNOWN_PATIENCE_SECONDS
        first = 0.0 if key in self._reported else FIRST_PATIENCE_SECONDS
        return max(self.patience, first, EPOCHS * epoch)
