"""What the record says of each trial: the fold of its events that every reader uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeper.record import Event
from sweeper.trial import Config, Decision, Goal, Outcome, Report, State, Verdict


@dataclass(slots=True)
class Attempt:
    """One stretch of a trial on a worker, and what it cost.

    `billed` runs from grant to release, `productive` is training and evaluation; both in seconds,
    times `share` they are device-seconds. `launch` counts the driver's processes. `ended` is empty
    while the attempt runs.
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

    @property
    def device_seconds(self) -> float:
        """What is billed: seconds held, times the share of the device."""
        return self.billed * self.share

    @property
    def productive_device_seconds(self) -> float:
        """The part of it that trained or evaluated."""
        return self.productive * self.share

    @property
    def usd(self) -> float | None:
        """Money for what is billed; None where nobody knows the price."""
        return None if self.usd_per_hour is None else self.usd_per_hour * self.device_seconds / 3600


@dataclass(slots=True)
class TrialHistory:
    """Everything that is known of one trial. `reports` holds each epoch once, in order.

    `answer` is what the newest attempt was last told, None before its first report; `ends` holds how
    each attempt ended that anybody heard the end of.
    """

    id: str
    number: int
    config: Config
    seed: int
    repeat: int = 0
    point: str | None = None
    state: State = State.WAITING
    outcome: Outcome | None = None
    reports: list[Report] = field(default_factory=list[Report])
    verdicts: list[tuple[int, Verdict]] = field(default_factory=list[tuple[int, Verdict]])
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    answer: Verdict | None = None
    ends: list[Outcome] = field(default_factory=list[Outcome])
    test: Mapping[str, float] | None = None

    @property
    def last(self) -> Report | None:
        """The newest report."""
        return self.reports[-1] if self.reports else None

    def best(self, goal: Goal) -> Report | None:
        """The report with the best finite score; the earlier one of equals."""
        finite = [report for report in self.reports if abs(report.score) < float("inf")]
        if not finite:
            return None
        return (
            max(finite, key=lambda r: r.score) if goal == "maximize" else min(finite, key=lambda r: r.score)
        )

    @property
    def device_seconds(self) -> float:
        """Billed device-seconds of all attempts, failed ones included."""
        return sum(attempt.device_seconds for attempt in self.attempts)

    @property
    def usd(self) -> float | None:
        """Billed money of all attempts; None where one of them has no known price."""
        prices = [attempt.usd for attempt in self.attempts]
        known = [price for price in prices if price is not None]
        return sum(known) if len(known) == len(prices) else None


@dataclass(slots=True)
class SweepHistory:
    """The whole sweep as the record tells it; `trials` in the order they were asked for.

    `settled` are the attempts whose cost is final, `over` the trials that reached a final state, each
    in the order in which they ended: whoever adds them up need not begin anew.
    """

    trials: dict[str, TrialHistory] = field(default_factory=dict[str, TrialHistory])
    launches: int = 0
    wall_seconds: float = 0.0
    capacity_device_seconds: float = 0.0
    booked: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    closed: str = ""
    settled: list[Attempt] = field(default_factory=list[Attempt])
    over: list[TrialHistory] = field(default_factory=list[TrialHistory])

    def apply(self, event: Event) -> None:
        """Take one more event into account; events of a kind unknown here are passed over."""
        handler = _HANDLERS.get(event.kind)
        if handler is not None:
            handler(self, event)

    @property
    def attempts(self) -> list[Attempt]:
        """Every attempt of every trial."""
        return [attempt for trial in self.trials.values() for attempt in trial.attempts]


def replay(events: Iterable[Event]) -> SweepHistory:
    """The history that a log tells."""
    history = SweepHistory()
    for event in events:
        history.apply(event)
    return history


def _launched(history: SweepHistory, event: Event) -> None:
    history.launches += 1
    history.closed = ""


def _closed(history: SweepHistory, event: Event) -> None:
    history.closed = event.body.get("why", "done")
    _clock(history, event)


def _asked(history: SweepHistory, event: Event) -> None:
    body = event.body
    history.trials[event.trial] = TrialHistory(
        event.trial, body["number"], body["config"], body["seed"], body.get("repeat", 0), body.get("point")
    )


def _granted(history: SweepHistory, event: Event) -> None:
    trial = history.trials[event.trial]
    trial.state = State.RUNNING
    trial.answer = None
    trial.attempts.append(Attempt(event.trial, event.attempt, history.launches, **event.body))


def _reported(history: SweepHistory, event: Event) -> None:
    trial = history.trials[event.trial]
    report = Report(**event.body)
    trial.reports = [earlier for earlier in trial.reports if earlier.epoch < report.epoch]
    trial.reports.append(report)


def _decided(history: SweepHistory, event: Event) -> None:
    """Body: a verdict, the epoch that it is on, and what the attempt had cost until then."""
    body = dict(event.body)
    trial, epoch = history.trials[event.trial], body.pop("epoch")
    billed, productive = body.pop("billed", 0.0), body.pop("productive", 0.0)
    trial.answer = Verdict(Decision(body.pop("decision")), **body)
    trial.verdicts.append((epoch, trial.answer))
    _cost(trial, event.attempt, billed, productive)


def _beat(history: SweepHistory, event: Event) -> None:
    """Body: {"wall": s, "capacity": device-seconds, "attempts": {trial: [number, billed, productive]}}."""
    _clock(history, event)
    for trial, (number, billed, productive) in event.body.get("attempts", {}).items():
        _cost(history.trials[trial], number, billed, productive)


def _cost(trial: TrialHistory, number: int, billed: float, productive: float) -> None:
    """What the running attempt has cost so far."""
    attempt = trial.attempts[-1] if trial.attempts else None
    if attempt and attempt.number == number and not attempt.ended:
        attempt.billed, attempt.productive = billed, productive


def _ended(history: SweepHistory, event: Event) -> None:
    trial = history.trials[event.trial]
    body = event.body
    trial.state = State(body["state"])
    trial.outcome = Outcome(State(body["state"]), body["kind"], body["message"], body["fingerprint"])
    trial.ends.append(trial.outcome)
    if trial.state.is_final:
        history.over.append(trial)
    for attempt in trial.attempts:
        if attempt.number == event.attempt:
            attempt.billed, attempt.productive = body["billed"], body["productive"]
            attempt.ended, attempt.message = body["kind"] or str(body["state"]), body["message"]
            history.settled.append(attempt)


def _tested(history: SweepHistory, event: Event) -> None:
    history.trials[event.trial].test = event.body["metrics"]


def _extended(history: SweepHistory, event: Event) -> None:
    history.closed = "extended"


def _retried(history: SweepHistory, event: Event) -> None:
    """Somebody wants another attempt at a trial that was given up: its failure budgets are whole again."""
    trial = history.trials[event.trial]
    trial.state, trial.outcome = State.WAITING, None
    trial.ends = [Outcome(State.WAITING, "retried")] * len(trial.ends)
    history.closed = "retried"


def _booked(history: SweepHistory, event: Event) -> None:
    history.booked.append(event.body)


def _clock(history: SweepHistory, event: Event) -> None:
    """`wall` and `capacity` count from the driver's start: the sums of earlier launches stay."""
    history.wall_seconds = event.body.get("wall", history.wall_seconds)
    history.capacity_device_seconds = event.body.get("capacity", history.capacity_device_seconds)


_HANDLERS = {
    "launched": _launched,
    "closed": _closed,
    "asked": _asked,
    "granted": _granted,
    "reported": _reported,
    "decided": _decided,
    "beat": _beat,
    "ended": _ended,
    "tested": _tested,
    "booked": _booked,
    "extended": _extended,
    "retried": _retried,
}
