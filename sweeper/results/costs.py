"""This module says where a sweep's device time and money went: by trial, parameter value and node."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sweeper.config.spec import SweepSpec
from sweeper.errors import FailureKind
from sweeper.results.values import TrialCost, ValueCost, by_value
from sweeper.store.account import Money, money_of
from sweeper.store.attempt import Attempt
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import Totals, totals
from sweeper.trial import State
from sweeper.wording import HOUR


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One node, in device-seconds. `held` and `idle` are None where the record does not tell them by node.

    `usd` is for what was billed, `idle_usd` for the rest at the node's dearest price.
    """

    node: str
    device: str
    attempts: int
    held: float | None
    billed: float
    productive: float
    idle: float | None
    usd_per_hour: float | None
    market: str
    usd: float | None
    idle_usd: float | None
    joules: float | None


@dataclass(frozen=True, slots=True)
class PriceUsed:
    """A price that attempts were billed at, and for how many device-seconds."""

    usd_per_hour: float
    market: str
    source: str
    date: str
    billed: float


@dataclass(frozen=True, slots=True)
class PreemptionCost:
    """Attempts that ended in one way that is nobody's fault.

    `repeated` are the device-seconds since each one's last checkpointed report, which were trained again.
    """

    kind: str
    attempts: int
    billed: float
    repeated: float
    usd: float | None


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that `sweeper cost` says. `saved` is an estimate: what stopped trials did not run."""

    has_gpu: bool
    attempts: int
    sums: Totals
    one_off: Mapping[str, float]
    stopped: int
    saved: float
    money: Money
    prices: Sequence[PriceUsed]
    preempted: Sequence[PreemptionCost]
    trials: Sequence[TrialCost]
    values: Sequence[ValueCost]
    nodes: Sequence[NodeCost]

    @property
    def one_off_usd(self) -> float | None:
        """One-off work, at the mean price of the attempts; None where a price is unknown."""
        return self.money.one_off if self._is_priced else None

    @property
    def idle_usd(self) -> float | None:
        """What idle devices cost; None where a price is unknown."""
        return self.money.idle if self._is_priced else None

    @property
    def _is_priced(self) -> bool:
        return self.money.is_whole and self.money.attempts > 0

    @property
    def usd(self) -> float | None:
        """The money for attempts, idle time and one-off work together; None where a price is unknown."""
        return self.money.all if self._is_priced else None


def bill(history: SweepHistory, spec: SweepSpec, *, images: Sequence[int] | None = None) -> Bill:
    """Make the bill, with the dearest trials, values and nodes first.

    Running attempts as of their last heartbeat.
    """
    sums, attempts = totals(history), history.attempts
    trials = sorted((_trial(each, spec) for each in history.trials.values()), key=lambda t: -t.billed)
    stopped = [trial for trial in history.trials.values() if trial.state is State.STOPPED]
    history_of = {trial.number: trial for trial in history.trials.values()}
    booked: dict[str, float] = {}
    for work in history.booked:
        booked[work.what] = booked.get(work.what, 0.0) + work.device_seconds
    nodes = _nodes(history, attempts)
    return Bill(
        has_gpu=sums.gpu_billed > 0,
        attempts=len(attempts),
        sums=sums,
        one_off=booked,
        stopped=len(stopped),
        saved=sum(saved_device_seconds(trial, spec.train.epochs) for trial in stopped),
        money=money_of(history),
        prices=_prices(attempts),
        preempted=_preempted(attempts),
        trials=trials,
        values=by_value([(history_of[t.number].config, t) for t in trials], spec.objective, images),
        nodes=nodes,
    )


def saved_device_seconds(trial: TrialHistory, epochs: int) -> float:
    """Return what the epochs that a trial did not run would have taken, at its own pace so far."""
    last = trial.last
    if last is None or last.epoch < 1:
        return 0.0
    return max(0, epochs - last.epoch) * last.device_seconds / last.epoch


def _summed(attempts: Iterable[Attempt]) -> Totals:
    sums = Totals()
    for attempt in attempts:
        sums.add(attempt)
    return sums


def _trial(trial: TrialHistory, spec: SweepSpec) -> TrialCost:
    sums, best = _summed(trial.attempts), trial.best(spec.objective.goal)
    return TrialCost(
        number=trial.number,
        label=trial.label,
        state=str(trial.state),
        attempts=len(trial.attempts),
        score=best.score if best else None,
        billed=sums.billed,
        productive=sums.productive,
        set_up=sums.set_up,
        repeated=sums.repeated,
        waited=sums.waited,
        usd=sums.usd,
        joules=sums.joules,
    )


def _prices(attempts: Iterable[Attempt]) -> list[PriceUsed]:
    used: dict[tuple[float, str, str, str], float] = {}
    for attempt in attempts:
        if attempt.usd_per_hour is not None:
            key = (attempt.usd_per_hour, attempt.market, attempt.price_source, attempt.price_date)
            used[key] = used.get(key, 0.0) + attempt.device_seconds
    dearest = sorted(used.items(), key=lambda item: (-item[1], item[0]))
    return [PriceUsed(*key, billed=billed) for key, billed in dearest]


def _preempted(attempts: Sequence[Attempt]) -> list[PreemptionCost]:
    found: list[PreemptionCost] = []
    for kind in (each for each in FailureKind if each.is_preemption):
        lost = [attempt for attempt in attempts if attempt.ended == kind]
        if not lost:
            continue
        sums = _summed(lost)
        money = [
            None if each.usd_per_hour is None else each.repeated_device_seconds * each.usd_per_hour / HOUR
            for each in lost
        ]
        known = [usd for usd in money if usd is not None]
        usd = sum(known) if len(known) == len(money) else None
        found.append(PreemptionCost(kind, len(lost), sums.billed, sums.repeated, usd))
    return found


def _nodes(history: SweepHistory, attempts: Iterable[Attempt]) -> list[NodeCost]:
    by_node: dict[str, list[Attempt]] = {node: [] for node in history.capacity_by_node}
    for attempt in attempts:
        by_node.setdefault(attempt.node, []).append(attempt)
    by_name = sum(history.capacity_by_node.values())
    is_complete = math.isclose(by_name, history.capacity_device_seconds, rel_tol=0.01)
    found = [
        _node(node, those, history.capacity_by_node.get(node, 0.0) if is_complete else None)
        for node, those in by_node.items()
    ]
    return sorted(found, key=lambda node: (-node.billed, node.node))


def _node(name: str, attempts: Sequence[Attempt], held: float | None) -> NodeCost:
    sums = _summed(attempts)
    priced = [attempt for attempt in attempts if attempt.usd_per_hour is not None]
    dearest = max(priced, key=lambda attempt: attempt.usd_per_hour or 0.0, default=None)
    price = dearest.usd_per_hour if dearest else None
    sums.capacity = held or 0.0
    held, idle = (None, None) if held is None else (sums.held, sums.idle)
    return NodeCost(
        node=name,
        device=", ".join(sorted({attempt.device for attempt in attempts})),
        attempts=len(attempts),
        held=held,
        billed=sums.billed,
        productive=sums.productive,
        idle=idle,
        usd_per_hour=price,
        market=dearest.market if dearest else "",
        usd=sums.usd if attempts else None,
        idle_usd=None if price is None or idle is None else idle * price / HOUR,
        joules=sums.joules,
    )
