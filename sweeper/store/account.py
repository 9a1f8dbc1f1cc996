"""One account of what a sweep has spent: its limits are held against it, and all who show money read it.

A limit in device-hours covers what attempts held, and one-off work: on GPUs where any attempt had one,
because beside them a CPU slot is no device. What a limit in money covers stands in the record (`COVERED`).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sweeper.store.attempt import Attempt, Grant
from sweeper.store.history import SweepHistory

COVERED = "usd_covers"
"""Entry of a record's `meta`: the parts of `Money` that `budget.usd` covers. Sweeps from before it was kept
covered their attempts alone, and go on so."""
EVERYTHING = "attempts, idle, one-off"
ATTEMPTS_ALONE = "attempts"


def covers(meta: Mapping[str, str]) -> str:
    """Return what the limit in money of the sweep with this record covers."""
    return meta.get(COVERED, ATTEMPTS_ALONE)


@dataclass(frozen=True, slots=True)
class Money:
    """USD by what it was spent on. What has no known price adds nothing, and then `is_whole` is False."""

    attempts: float = 0.0
    idle: float = 0.0
    one_off: float = 0.0
    is_whole: bool = True

    @property
    def all(self) -> float:
        """What `sweeper cost` calls money."""
        return self.attempts + self.idle + self.one_off

    def covered(self, by: str) -> float:
        """The part that a limit covers."""
        parts = {"attempts": self.attempts, "idle": self.idle, "one-off": self.one_off}
        return sum(usd for name, usd in parts.items() if name in by.split(", "))


@dataclass(slots=True)
class _Growing:
    """A sum that grows with the clock: what is settled, and rate times the seconds since each started."""

    settled: float = 0.0
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
        return self.settled + max(0.0, self.rate * now - self._behind)


@dataclass(slots=True)
class _Use:
    """Device-seconds of attempts, of those on GPUs, and the dearest price of an hour."""

    all: _Growing = field(default_factory=_Growing)
    gpu: _Growing = field(default_factory=_Growing)
    price: float | None = None

    def on_devices(self, now: float) -> float:
        return self.gpu.at(now) or self.all.at(now)

    def settle(self, device_seconds: float, *, is_gpu: bool) -> None:
        self.all.settled += device_seconds
        self.gpu.settled += device_seconds if is_gpu else 0.0

    def priced(self, usd_per_hour: float | None) -> None:
        if usd_per_hour is not None:
            self.price = max(usd_per_hour, self.price or 0.0)


class Account:
    """Attempts that ended are added once, those that run grow by themselves: a look costs the same however
    many there are. `one_off` are device-seconds of work that serves all trials."""

    def __init__(self) -> None:
        self.one_off = 0.0
        self._sum, self._usd = _Use(), _Growing()
        self._nodes: dict[str, _Use] = {}
        self._unpriced = {True: 0.0, False: 0.0}

    def add(self, attempt: Attempt) -> None:
        """An attempt with what it has cost: one that ended, or that runs, as of its last beat."""
        seconds = attempt.device_seconds
        for use in (self._sum, self._node(attempt.node)):
            use.settle(seconds, is_gpu=attempt.is_gpu)
            use.priced(attempt.usd_per_hour)
        self._usd.settled += seconds * (attempt.usd_per_hour or 0.0) / 3600
        if attempt.usd_per_hour is None:
            self._unpriced[attempt.is_gpu] += 1

    def begin(self, grant: Grant, since: float) -> None:
        """An attempt holds a device from then on."""
        for use in (self._sum, self._node(grant.node)):
            use.all.add(grant.share, since)
            use.gpu.add(grant.share if grant.is_gpu else 0.0, since)
            use.priced(grant.usd_per_hour)
        self._usd.add(grant.share * (grant.usd_per_hour or 0.0) / 3600, since)

    def end(self, grant: Grant, since: float) -> None:
        """It holds it no longer; `add` says what it came to."""
        for use in (self._sum, self._node(grant.node)):
            use.all.remove(grant.share, since)
            use.gpu.remove(grant.share if grant.is_gpu else 0.0, since)
        self._usd.remove(grant.share * (grant.usd_per_hour or 0.0) / 3600, since)

    def device_seconds(self, now: float = 0.0) -> float:
        """What a limit in device-hours covers."""
        return self._sum.on_devices(now) + self.one_off

    def usd_per_hour(self, now: float = 0.0) -> float:
        """The mean price of what attempts have held; before that the dearest that runs, 0 where none is
        known."""
        hours = self._sum.on_devices(now) / 3600
        return self._usd.at(now) / hours if hours and self._usd.at(now) else self._sum.price or 0.0

    def money(self, capacity: float, by_node: Mapping[str, float], now: float = 0.0) -> Money:
        """`capacity` are the device-seconds that the sweep has held, `by_node` the same where that is known.

        Idle time costs what its node costs, or the mean price where a node's is unknown, as does one-off
        work.
        """
        hourly = self.usd_per_hour(now)
        is_unknown = self._unpriced[True] or (self._unpriced[False] and not self._sum.gpu.at(now))
        idle = self._idle(capacity, by_node, now, hourly) if hourly else 0.0
        return Money(self._usd.at(now), idle / 3600, self.one_off * hourly / 3600, not is_unknown)

    def _idle(self, capacity: float, by_node: Mapping[str, float], now: float, hourly: float) -> float:
        """Device-seconds times USD an hour."""
        names = {*by_node, *self._nodes}
        is_told = math.isclose(sum(by_node.values()), capacity, rel_tol=0.01)
        priced = {name: use for name, use in self._nodes.items() if use.price is not None}
        if not is_told or len(priced) < len(names):
            return max(0.0, capacity - self._sum.on_devices(now)) * hourly
        idle = {name: max(0.0, by_node.get(name, 0.0) - use.on_devices(now)) for name, use in priced.items()}
        return sum(seconds * (self._nodes[name].price or 0.0) for name, seconds in idle.items())

    def _node(self, name: str) -> _Use:
        return self._nodes.setdefault(name, _Use())


def account_of(history: SweepHistory) -> Account:
    """The account of a whole history; running attempts as of their last beat."""
    account = Account()
    settle(account, history.attempts)
    account.one_off = sum(max(0.0, work.device_seconds) for work in history.booked)
    return account


def money_of(history: SweepHistory) -> Money:
    """What everything in the history has cost."""
    return account_of(history).money(history.capacity_device_seconds, history.capacity_by_node)


def settle(account: Account, attempts: Iterable[Attempt]) -> None:
    """Add some more attempts."""
    for attempt in attempts:
        account.add(attempt)
