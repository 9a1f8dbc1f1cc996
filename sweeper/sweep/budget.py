"""Whether one more attempt, or one more stretch of a running one, still fits the budget."""

from dataclasses import dataclass, replace

from sweeper.config.sections import BudgetSpec
from sweeper.store.account import EVERYTHING, Account, settle
from sweeper.store.attempt import Grant
from sweeper.store.history import SweepHistory
from sweeper.store.ledger import Meter


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What is spoken for, in device-seconds of the attempt: until it is judged next, and until it reports."""

    reserved: float = 0.0
    due: float = 0.0
    since: float = 0.0


@dataclass(slots=True)
class _Held:
    """A running attempt. One that `is_packed` trains as one with others, at a share that changes."""

    grant: Grant
    since: float
    spoken: _Spoken
    is_packed: bool = False


class Budget:
    """Totals over all launches, read from the ledger, and reservations for what runs; it decides nothing.

    What an attempt is expected to cost until it is judged next is set aside when it starts or goes on, and
    of that the part until its next report. What nobody knows the price of adds nothing to the money spent.
    `covers` is what the limit in money covers; `usd_per_hour` the price, and `share` what an attempt holds,
    as they are expected before the first one.
    """

    def __init__(
        self,
        limits: BudgetSpec,
        history: SweepHistory,
        meter: Meter,
        *,
        covers: str = EVERYTHING,
        usd_per_hour: float = 0.0,
        share: float = 1.0,
    ) -> None:
        self._limits = limits
        self._history = history
        self._meter = meter
        self._covers = covers
        self._expected_price = usd_per_hour
        self._asked: dict[str, _Spoken] = {}
        self._live: dict[str, _Held] = {}
        self._account = Account()
        self._counted = self._booked = 0
        self._devices = 0.0
        self._in_flight = 0.0  # at most what all attempts cost until their next reports
        self.share = next((a.share for a in reversed(history.settled)), share)

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit but that of trials."""
        limits = (self._limits.gpu_hours, self._limits.usd, self._limits.wall_hours)
        return any(limit is not None for limit in limits)

    @property
    def is_free(self) -> bool:
        """Whether nothing runs, and nothing waits for its device."""
        return not (self._asked or self._live)

    @property
    def knows_price(self) -> bool:
        """Whether anybody has said what a device costs, or that nobody knows."""
        return bool(self._expected_price or self._live or self._history.settled)

    def reserve(self, trial_id: str, device_seconds: float, until_report: float = 0.0) -> None:
        """Set aside what the attempt will cost from now until it is judged next, and until it reports."""
        held = self._live.get(trial_id)
        if held is None:
            self._asked[trial_id] = _Spoken(device_seconds, until_report)
        else:
            used = self.device_seconds(trial_id)
            self._in_flight -= held.spoken.due - held.spoken.since
            held.spoken = _Spoken(used + device_seconds, used + until_report, used)
        self._in_flight += until_report

    def started(self, trial_id: str, grant: Grant, seconds_ago: float = 0.0) -> None:
        """The attempt holds its device."""
        since = self._meter.wall() - seconds_ago
        spoken = self._asked.pop(trial_id, _Spoken())
        self._live[trial_id] = _Held(grant, since, spoken, grant.places > 1)
        self._account.begin(grant, since)
        self.share = grant.share

    def divided(self) -> None:
        """Take over what attempts that train as one have cost; they go on at equal shares of their device."""
        packed = [(trial, held) for trial, held in self._live.items() if held.is_packed]
        for trial, held in packed:
            used, share = self.device_seconds(trial), held.grant.whole / len(packed)
            self._account.end(held.grant, held.since)
            held.grant = replace(held.grant, share=share, places=len(packed))
            held.since = self._meter.wall() - used / share
            self._account.begin(held.grant, held.since)

    def ended(self, trial_id: str) -> None:
        """The attempt has released its device; the ledger knows what it cost."""
        waiting, held = self._asked.pop(trial_id, None), self._live.pop(trial_id, None)
        if spoken := waiting or (held and held.spoken):
            self._in_flight -= spoken.due - spoken.since
        if held is not None:
            self._account.end(held.grant, held.since)

    def shortage(
        self, need: float = 0.0, *, besides: str = "", kept: float = 0.0, seconds: float = 0.0
    ) -> str:
        """The limit that is in the way of `need` device-seconds more, in words; empty where none is.

        `besides` is the running attempt that asks, whose own reservation does not count; `kept` is what
        later work shall find; `seconds` is what it takes on the clock.
        """
        others, longest = self._set_aside(besides) if need > 0 else (0.0, 0.0)
        return self._short(kept, need + others, seconds, max(seconds, longest))

    def report_shortage(self, trial_id: str, need: float, *, kept: float = 0.0, seconds: float = 0.0) -> str:
        """The same for the way to the running attempt's next report: that of all others comes first."""
        spoken = self._live[trial_id].spoken if trial_id in self._live else _Spoken()
        at_most = self._in_flight - (spoken.due - spoken.since)
        if not self._short(kept, need + at_most, seconds, max(seconds, at_most / self.share)):
            return ""  # mostly: nobody has to be asked
        others, longest = self._set_aside(trial_id, until_report=True)
        return self._short(kept, need + others, seconds, max(seconds, longest))

    def spent(self) -> tuple[float, float]:
        """Device-seconds and USD that the limits cover: over all launches, and what runs."""
        self._settle()
        return self._account.device_seconds(self._meter.wall()), self._usd()

    def device_seconds(self, trial_id: str) -> float:
        """What the trial's running attempt has cost so far."""
        held = self._live.get(trial_id)
        if held is None:
            return 0.0
        divided = self._meter.reading(trial_id).device_seconds if held.is_packed else None
        return max(0.0, self._meter.wall() - held.since) * held.grant.share if divided is None else divided

    def _set_aside(self, besides: str, *, until_report: bool = False) -> tuple[float, float]:
        """Set aside and not used yet, by all others: until each is judged, or only until it reports. And the
        seconds on the clock until the last of them is."""
        if self._limits.gpu_hours is None and self._limits.usd is None:
            return 0.0, 0.0
        rows = [(each, 0.0, self.share) for trial, each in self._asked.items() if trial != besides]
        live = ((trial, held) for trial, held in self._live.items() if trial != besides)
        rows += [(held.spoken, self.device_seconds(trial), held.grant.share) for trial, held in live]
        left = [
            (max(0.0, (each.due if until_report else each.reserved) - used), share)
            for each, used, share in rows
        ]
        longest = max((seconds / share for seconds, share in left), default=0.0)
        return sum(seconds for seconds, _ in left), longest

    def _short(self, kept: float, wanted: float, seconds: float, longest: float) -> str:
        """What lacks where `wanted` device-seconds more are spent beside what is `kept`, the clock goes on
        for `seconds` until it is known, and for `longest` until the last that runs is."""
        limits, wall = self._limits, self._meter.wall()
        if limits.wall_hours is not None and _is_short(wall, seconds, limits.wall_hours * 3600):
            return _wall_words(wall / 3600, seconds / 3600, limits.wall_hours)
        if limits.gpu_hours is None and limits.usd is None:
            return ""
        self._settle()
        self._devices = self._meter.slots or self._devices  # a runner that ends holds nothing any more
        spent, more = self._account.device_seconds(wall), kept + wanted
        if limits.gpu_hours is not None and _is_short(spent, more, limits.gpu_hours * 3600):
            return _words(spent / 3600, more / 3600, f"{limits.gpu_hours:g} device-hours", ".3g")
        if limits.usd is None:
            return ""
        if "idle" in self._covers:  # all devices are paid for until then, whatever runs on them
            more = kept + max(wanted, self._devices * longest)
        usd, price = self._usd(), self._account.usd_per_hour(wall) or self._expected_price
        wanted_usd = more * price / 3600
        is_short = _is_short(usd, wanted_usd, limits.usd)
        return _words(usd, wanted_usd, f"{limits.usd:g} USD", ".2f") if is_short else ""

    def _usd(self) -> float:
        meter, wall = self._meter, self._meter.wall()
        money = self._account.money(meter.capacity(), meter.clocks().nodes or {}, wall)
        return money.covered(self._covers)

    def _settle(self) -> None:
        """Add what has ended since the last look: thousands of trials must not be summed at each report."""
        settle(self._account, self._history.settled[self._counted :])
        self._account.one_off += sum(w.device_seconds for w in self._history.booked[self._booked :])
        self._counted, self._booked = len(self._history.settled), len(self._history.booked)


def _is_short(spent: float, more: float, limit: float) -> bool:
    """What fills the limit to the brim still fits; with nothing left, nothing does."""
    return spent >= limit or spent + more > limit * (1 + 1e-9)


def _words(spent: float, wanted: float, limit: str, digits: str) -> str:
    text = f"{spent:{digits}} of {limit} are spent"
    return f"{text}, {wanted:{digits}} more would be needed" if wanted > 0 else text


def _wall_words(hours: float, more: float, limit: float) -> str:
    if hours >= limit:
        return f"{limit:g} wall-clock hours are over"
    return f"{hours:.3g} of {limit:g} wall-clock hours are over, {more:.3g} more would be needed"
