"""The ledger knows what a sweep costs: a meter over running attempts, and the sums that budgets limit."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sweeper.store.attempt import Attempt, Grant, Reading
from sweeper.store.events import Clocks
from sweeper.store.history import SweepHistory

Clock = Callable[[], float]


@dataclass(slots=True)
class _Running:
    """`own` are its seconds of a device that it shares with others, as measured; None for one alone."""

    since: float
    grant: Grant
    productive: float = 0.0
    joules: float | None = None
    own: float | None = None


@dataclass(slots=True)
class Meter:
    """Measures seconds on the monotonic clock: of each running attempt, of the launch, and of what it held.

    It counts only forward steps of the clock: one that is set back adds nothing and takes nothing away. The
    attempts that train as one hold one device; `divide` says whose its time was.
    """

    clock: Clock = time.monotonic
    wall_before: float = 0.0
    capacity_before: float = 0.0
    nodes_before: Mapping[str, float] = field(default_factory=dict[str, float])
    slots: float = 0.0
    _read: float = 0.0
    _elapsed: float = 0.0
    _settled: float = 0.0
    _capacity: float = 0.0
    _holding: Mapping[str, float] = field(default_factory=dict[str, float])
    _nodes: dict[str, float] = field(default_factory=dict[str, float])
    _asked: dict[str, float] = field(default_factory=dict[str, float])
    _running: dict[str, _Running] = field(default_factory=dict[str, _Running])
    _divided: float = 0.0

    def __post_init__(self) -> None:
        """Start the clock of the launch."""
        self._read = self.clock()
        self._nodes = dict(self.nodes_before)

    def ask(self, trial: str) -> None:
        """Note that the trial's attempt waits for a device from now on."""
        self._asked[trial] = self._now()

    def start(self, trial: str, seconds_ago: float = 0.0, grant: Grant | None = None) -> float | None:
        """Note that the attempt has its device, or its place on one that it shares.

        Return how long it had waited, or None where that is unknown.
        """
        since = self._now() - max(0.0, seconds_ago)
        running = self._running[trial] = _Running(since, grant or Grant())
        if running.grant.places > 1:
            self.divide({})
            self._divided = self._divided if self._together() else since
            running.own = 0.0
        asked = self._asked.pop(trial, None)
        return None if asked is None else max(0.0, since - asked)

    def divide(self, parts: Mapping[str, float]) -> None:
        """Bill those that train as one for the time since the last call, in proportion to their parts of it.

        Without parts they are equal, as they are for the time that was not divided yet.
        """
        now = self._now()
        gone, self._divided = now - self._divided, now
        members = self._together()
        whole = sum(parts.get(trial, 0.0) for trial in members)
        for trial, running in members.items():
            part = parts.get(trial, 0.0) / whole if whole > 0 else 1 / len(members)
            running.own = (running.own or 0.0) + gone * part

    def trained(self, trial: str, seconds: float) -> None:
        """Add seconds in which the running attempt has trained and evaluated."""
        if trial in self._running:
            self._running[trial].productive += max(0.0, seconds)

    def drew(self, trial: str, joules: float | None, share: float = 1.0) -> None:
        """Set what the devices of the running attempt have drawn since its grant; None changes nothing.

        A trial that holds a fraction of a GPU is charged that fraction of what the whole GPU drew.
        """
        if joules is not None and joules >= 0 and trial in self._running:
            self._running[trial].joules = joules * min(1.0, share)

    def reading(self, trial: str) -> Reading:
        """Return what the running attempt has cost so far: never negative, and zeros where none runs."""
        running = self._running.get(trial)
        if running is None:
            return Reading()
        now = self._now()
        billed = max(0.0, now - running.since)
        if running.own is None:
            return Reading(billed, min(running.productive, billed), running.joules)
        own = running.own + max(0.0, now - self._divided) / len(self._together())
        device_seconds, share = own * running.grant.whole, running.grant.share
        productive = min(running.productive, device_seconds / share)
        return Reading(billed, productive, running.joules, device_seconds)

    def stop(self, trial: str) -> Reading:
        """Return the last reading of the attempt, which has released its device."""
        reading = self.reading(trial)
        if reading.device_seconds is not None:
            self.divide({})
        self._running.pop(trial, None)
        self._asked.pop(trial, None)
        return reading

    def hold(self, devices: float | Mapping[str, float]) -> None:
        """Hold this many whole devices from now on, busy or idle; by node where nodes have names."""
        self._settle_capacity()
        by_node = devices if isinstance(devices, Mapping) else {}
        self._holding = dict(by_node)
        self.slots = sum(by_node.values()) if isinstance(devices, Mapping) else devices

    def wall(self) -> float:
        """Return the seconds for which a driver has run, over all launches."""
        return self.wall_before + self._now()

    def capacity(self) -> float:
        """Return the device-seconds that the sweep has held, over all launches."""
        self._settle_capacity()
        return self.capacity_before + self._capacity

    def clocks(self) -> Clocks:
        """Return wall time and capacity as a heartbeat records them.

        Capacity by node where nodes have names.
        """
        return Clocks(self.wall(), self.capacity(), dict(self._nodes))

    def _together(self) -> Mapping[str, _Running]:
        """Return the attempts that train as one."""
        return {trial: running for trial, running in self._running.items() if running.own is not None}

    def _now(self) -> float:
        """Return the seconds since the launch began."""
        read = self.clock()
        self._elapsed += max(0.0, read - self._read)
        self._read = read
        return self._elapsed

    def _settle_capacity(self) -> None:
        now = self._now()
        gone, self._settled = now - self._settled, now
        self._capacity += self.slots * gone
        for node, devices in self._holding.items():
            self._nodes[node] = self._nodes.get(node, 0.0) + devices * gone


@dataclass(slots=True)
class Totals:
    """Sums over attempts, in device-seconds.

    `capacity` is what the sweep held for its trials, `one_off` what was booked beside it (image stores,
    statistics, the final test). `failed` and `preempted` are billed to attempts that ended so; `repeated` is
    the part of the latter that was trained again. `waited` are plain seconds before the grants, which are not
    billed. `joules` is what the devices drew during `measured` of the billed device-seconds; both are None
    where nothing was measured.
    """

    billed: float = 0.0
    productive: float = 0.0
    failed: float = 0.0
    preempted: float = 0.0
    capacity: float = 0.0
    gpu_billed: float = 0.0
    priced: float = 0.0
    has_unpriced_gpu: bool = False
    has_unpriced_slot: bool = False
    one_off: float = 0.0
    set_up: float = 0.0
    repeated: float = 0.0
    waited: float | None = None
    joules: float | None = None
    measured: float = 0.0

    @property
    def usd(self) -> float | None:
        """The money for what is billed; None as soon as one price is unknown.

        Where the sweep has GPUs, CPU slots cost nothing: the node's GPUs pay for them, busy or idle.
        """
        is_unknown = self.has_unpriced_gpu or (self.has_unpriced_slot and not self.gpu_billed)
        return None if is_unknown else self.priced

    @property
    def gpu_hours(self) -> float:
        """Billed hours of GPUs, or of the CPU slots that stand in where no attempt had a GPU."""
        return self._on_devices / 3600

    @property
    def _on_devices(self) -> float:
        """The part of the billed time that `capacity` covers: beside GPUs, CPU slots are no devices."""
        return self.gpu_billed or self.billed

    @property
    def overhead(self) -> float:
        """What is billed without training or evaluating: set-up, waiting and hand-over."""
        return self.billed - self.productive

    @property
    def hand_over(self) -> float:
        """The part of the overhead after the first step: between reports, and until the release."""
        return max(0.0, self.overhead - self.set_up)

    @property
    def held(self) -> float:
        """What the nodes gave: billed, idle and one-off work add up to it."""
        return self.billed + self.idle + self.one_off

    @property
    def idle(self) -> float:
        """What the sweep held and billed to no attempt."""
        return max(0.0, self.capacity - self._on_devices)

    def add(self, attempt: Attempt) -> None:
        """Add one more attempt."""
        seconds = attempt.device_seconds
        self.billed += seconds
        self.productive += attempt.productive_device_seconds
        self.set_up += attempt.set_up_device_seconds
        if attempt.waited is not None:
            self.waited = (self.waited or 0.0) + attempt.waited
        self.gpu_billed += seconds if attempt.is_gpu else 0.0
        if attempt.is_preempted:
            self.preempted += seconds
            self.repeated += attempt.repeated_device_seconds
        elif attempt.has_failed:
            self.failed += seconds
        if attempt.joules is not None:
            self.joules = (self.joules or 0.0) + attempt.joules
            self.measured += seconds
        price = attempt.usd
        self.priced += price or 0.0
        if price is None:
            self.has_unpriced_gpu |= attempt.is_gpu
            self.has_unpriced_slot |= not attempt.is_gpu


def totals(history: SweepHistory) -> Totals:
    """Return the sums of everything in the history; running attempts count as of their last heartbeat."""
    sums = Totals(capacity=history.capacity_device_seconds)
    sums.one_off = sum(max(0.0, work.device_seconds) for work in history.booked)
    for trial in history.trials.values():
        for attempt in trial.attempts:
            sums.add(attempt)
    return sums
