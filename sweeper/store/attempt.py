"""An attempt is one stretch of a trial on a worker; with its cost it is a row of the ledger."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sweeper.errors import FailureKind
from sweeper.trial import State


@dataclass(frozen=True, slots=True)
class Grant:
    """The device that an attempt received. `share` is the fraction of it, or how many of them.

    Without a GPU, a CPU slot stands in for the device. `places` is the number of attempts that share a device
    because they train as one; `share` is then an equal part, as it is foreseen. `usd_per_hour` is the price
    of one whole device, and None where it is unknown; `price_source`, `price_date` and `market` say where
    the price is from.
    """

    node: str = "local"
    device: str = "cpu"
    is_gpu: bool = False
    share: float = 1.0
    usd_per_hour: float | None = None
    price_source: str = ""
    price_date: str = ""
    market: str = ""
    gpu_uuid: str = ""
    places: int = 1

    @property
    def whole(self) -> float:
        """What the attempt holds together with those that it trains as one with."""
        return self.share * self.places


class Reading(NamedTuple):
    """What an attempt has cost: seconds held, seconds of training and evaluation, and energy if known.

    `device_seconds` is for one that trains as one with others: what was measured to be its own. It is None
    for any other, whose share says it.
    """

    billed: float = 0.0
    productive: float = 0.0
    joules: float | None = None
    device_seconds: float | None = None


class AttemptState(StrEnum):
    """Where an attempt stands. The record knows it from the grant on.

        asked ---granted---> RUNNING ---trained, stopped, paused, failed, or taken away---> ENDED
          |                     |
          |                     |----its driver died: the next one ends it as `driver_lost`---> ENDED
          |----never granted: its trial waits for another

    An attempt that has ended never runs again. Whether its trial gets a further one is the trial's state.
    """

    RUNNING = "running"
    ENDED = "ended"


@dataclass(slots=True)
class Attempt:
    """What one attempt held, did and cost. Durations are seconds on the driver's monotonic clock.

    `billed` runs from grant to release, `productive` is training and evaluation; times `share` they are
    device-seconds. Of an attempt that trains as one with others (`places`), `divided` are its
    device-seconds in place of that, and `productive`, `kept` and `unsaved` go by them. `granted` counts
    from the sweep's beginning, `waited` from the ask to the grant, `first_step` and `last_report` from
    the grant; `kept` is what was billed until the report of the newest checkpoint, from which another
    attempt can go on, `unsaved` until each report since. `usd_per_hour` is the price of a whole device,
    with `market`, `price_source` and `price_date` of it. `joules` are those of the devices, times the
    share where it is a fraction. None and "" stand for what nobody knows, never 0. `launch` counts the
    driver's processes; `ended` is empty while the attempt runs.
    """

    trial: str
    number: int
    launch: int = 0
    node: str = ""
    device: str = ""
    is_gpu: bool = False
    share: float = 1.0
    granted: float = 0.0
    billed: float = 0.0
    productive: float = 0.0
    usd_per_hour: float | None = None
    ended: str = ""
    message: str = ""
    price_source: str = ""
    price_date: str = ""
    market: str = ""
    waited: float | None = None
    gpu_uuid: str = ""
    joules: float | None = None
    first_step: float | None = None
    last_report: float | None = None
    kept: float = 0.0
    unsaved: dict[int, float] = field(default_factory=dict[int, float])
    places: int = 1
    divided: float | None = None

    @property
    def state(self) -> AttemptState:
        """Whether the attempt still runs: it does until an outcome is recorded."""
        return AttemptState.ENDED if self.ended else AttemptState.RUNNING

    @property
    def device_seconds(self) -> float:
        """What is billed: seconds held, times the share of the device; or what was measured to be its own."""
        return self.billed * self.share if self.divided is None else self.divided

    @property
    def productive_device_seconds(self) -> float:
        """The part of it that trained or evaluated."""
        return self.productive * self.share

    @property
    def set_up_device_seconds(self) -> float:
        """The part of it before the first step; all of it where the attempt never reported."""
        return (self._held if self.first_step is None else self.first_step) * self.share

    @property
    def repeated_device_seconds(self) -> float:
        """What is billed since the report of the newest checkpoint that is known to be on the disk.

        If the attempt is lost, it is trained again.
        """
        return max(0.0, self._held - self.kept) * self.share

    @property
    def usd(self) -> float | None:
        """The money for what is billed; None where the price is unknown."""
        return None if self.usd_per_hour is None else self.usd_per_hour * self.device_seconds / 3600

    @property
    def is_preempted(self) -> bool:
        """Whether it was lost with its node or its driver."""
        return self.ended in _PREEMPTED

    @property
    def has_failed(self) -> bool:
        """Whether something went wrong; a preemption, a pause or an interruption is no failure."""
        return not self.is_preempted and self.ended not in _FINE

    def cost(
        self,
        billed: float,
        productive: float,
        joules: float | None = None,
        device_seconds: float | None = None,
    ) -> None:
        """Take over what the attempt has cost so far. What was known does not become unknown."""
        self.billed, self.productive = billed, productive
        self.joules = self.joules if joules is None else joules
        self.divided = self.divided if device_seconds is None else device_seconds

    def reported(self, epoch: int, saved: int) -> None:
        """Note the report of an epoch, and which one's checkpoint is on the disk by now (0: none).

        At the first report, what is billed beyond training has gone into the set-up.
        """
        if self.first_step is None:
            self.first_step = self._held - self.productive
        self.last_report = self.billed
        self.unsaved[epoch] = self._held
        self.kept = self.unsaved.get(saved, self.kept)
        self.unsaved = {each: billed for each, billed in self.unsaved.items() if each > saved}

    @property
    def _held(self) -> float:
        """Seconds that the share that was granted would have been held for what is billed."""
        return self.billed if self.divided is None else self.divided / self.share


_PREEMPTED = frozenset(kind for kind in FailureKind if kind.is_preemption)
_FINE = frozenset[str](
    (
        *(FailureKind.NONE, FailureKind.INTERRUPTED, FailureKind.BUDGET),
        *(State.COMPLETED, State.STOPPED, State.PAUSED, State.CANCELLED),
    )
)
