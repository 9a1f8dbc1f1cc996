"""What the record says of each trial: the fold of its events that every reader uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sweeper.store.attempt import Attempt
from sweeper.store.record import Event
from sweeper.trial import Config, Decision, Goal, Outcome, Report, State, Verdict
from sweeper.wording import config_text

UNPROMOTED = "unpromoted"
"""How a paused trial ends that no scheduler promoted while the sweep lasted."""


@dataclass(slots=True)
class TrialHistory:
    """Everything that is known of one trial. `reports` holds each epoch once, in order.

    `is_final_run` marks a repeat of the final, which nobody stops early. `answer` is what the newest
    attempt was last told, None before its first report; `ends` holds how
    each attempt ended that anybody heard the end of.
    """

    id: str
    number: int
    config: Config
    seed: int
    repeat: int = 0
    point: str | None = None
    is_final_run: bool = False
    state: State = State.WAITING
    outcome: Outcome | None = None
    reports: list[Report] = field(default_factory=list[Report])
    verdicts: list[tuple[int, Verdict]] = field(default_factory=list[tuple[int, Verdict]])
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    answer: Verdict | None = None
    ends: list[Outcome] = field(default_factory=list[Outcome])
    test: Mapping[str, float] | None = None

    @property
    def label(self) -> str:
        """The point's name, or the configuration in one line."""
        return self.point or config_text(self.config)

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
    in the order in which they ended: whoever adds them up need not begin anew. `known` are results of
    earlier sweeps; `enough` says why the search ended before its budget; `finalists` are the
    configurations of the final, empty before it.
    """

    trials: dict[str, TrialHistory] = field(default_factory=dict[str, TrialHistory])
    launches: int = 0
    wall_seconds: float = 0.0
    capacity_device_seconds: float = 0.0
    capacity_by_node: dict[str, float] = field(default_factory=dict[str, float])
    booked: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    closed: str = ""
    settled: list[Attempt] = field(default_factory=list[Attempt])
    over: list[TrialHistory] = field(default_factory=list[TrialHistory])
    known: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    enough: str = ""
    finalists: list[Config] = field(default_factory=list[Config])

    def apply(self, event: Event) -> None:
        """Take one more event into account; events of a kind unknown here are passed over."""
        handler = _HANDLERS.get(event.kind)
        if handler is not None:
            handler(self, event)

    @property
    def attempts(self) -> list[Attempt]:
        """Every attempt of every trial."""
        return [attempt for trial in self.trials.values() for attempt in trial.attempts]


_GRANTED = frozenset(each.name for each in fields(Attempt)) - {"trial", "number", "launch"}


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
        event.trial,
        body["number"],
        body["config"],
        body["seed"],
        body.get("repeat", 0),
        body.get("point"),
        body.get("is_final_run", False),
    )


def _granted(history: SweepHistory, event: Event) -> None:
    trial = history.trials[event.trial]
    trial.state = State.RUNNING
    trial.answer = None
    known = {name: value for name, value in event.body.items() if name in _GRANTED}
    trial.attempts.append(Attempt(event.trial, event.attempt, history.launches, **known))


def _reported(history: SweepHistory, event: Event) -> None:
    trial = history.trials[event.trial]
    report = Report(**event.body)
    if trial.reports and trial.reports[-1].epoch >= report.epoch:
        trial.reports = [earlier for earlier in trial.reports if earlier.epoch < report.epoch]
    trial.reports.append(report)


def _decided(history: SweepHistory, event: Event) -> None:
    """Body: a verdict, the epoch that it is on, and what the attempt had cost until then."""
    body = dict(event.body)
    trial, epoch = history.trials[event.trial], body.pop("epoch")
    cost = body.pop("billed", 0.0), body.pop("productive", 0.0), body.pop("joules", None)
    trial.answer = Verdict(Decision(body.pop("decision")), **body)
    trial.verdicts.append((epoch, trial.answer))
    attempt = _cost(trial, event.attempt, *cost)
    if attempt is not None and "billed" in event.body:
        attempt.reported(is_checkpointed=bool(trial.last and trial.last.checkpoint))


def _beat(history: SweepHistory, event: Event) -> None:
    """Body: the clocks, and `attempts`: {trial: [number, billed, productive, joules]}."""
    _clock(history, event)
    for trial, (number, *cost) in event.body.get("attempts", {}).items():
        _cost(history.trials[trial], number, *cost)


def _cost(
    trial: TrialHistory, number: int, billed: float, productive: float, joules: float | None = None
) -> Attempt | None:
    """What the running attempt has cost so far; None where it does not run."""
    attempt = trial.attempts[-1] if trial.attempts else None
    if attempt is None or attempt.number != number or attempt.ended:
        return None
    attempt.cost(billed, productive, joules)
    return attempt


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
            attempt.cost(body["billed"], body["productive"], body.get("joules"))
            attempt.ended, attempt.message = body["kind"] or str(body["state"]), body["message"]
            history.settled.append(attempt)


def _tested(history: SweepHistory, event: Event) -> None:
    history.trials[event.trial].test = event.body["metrics"]


def _extended(history: SweepHistory, event: Event) -> None:
    """There is more to spend: the search goes on, and who waited in vain for a promotion waits again."""
    history.closed, history.enough, history.finalists = "extended", "", []
    for trial in history.over:
        if trial.outcome and trial.outcome.kind == UNPROMOTED:
            trial.state, trial.outcome = State.PAUSED, None
    history.over = [trial for trial in history.over if trial.state.is_final]


def _known(history: SweepHistory, event: Event) -> None:
    """Body: sweep, number, config, state, reports: [[epoch, score, device-seconds, top-5], ...]."""
    history.known.append(event.body)


def _enough(history: SweepHistory, event: Event) -> None:
    """Body: {"why"} in words, beside the figures."""
    history.enough = event.body["why"]


def _final(history: SweepHistory, event: Event) -> None:
    """Body: {"configs": [...]}, best first."""
    history.finalists = list(event.body["configs"])


def _retried(history: SweepHistory, event: Event) -> None:
    """Somebody wants another attempt at a trial that was given up: its failure budgets are whole again."""
    trial = history.trials[event.trial]
    trial.state, trial.outcome = State.WAITING, None
    trial.ends = [Outcome(State.WAITING, "retried")] * len(trial.ends)
    history.over = [each for each in history.over if each is not trial]
    history.closed = "retried"


def _booked(history: SweepHistory, event: Event) -> None:
    history.booked.append(event.body)


def _clock(history: SweepHistory, event: Event) -> None:
    """`wall`, `capacity` and its `nodes` are sums over all launches, this one included."""
    history.wall_seconds = event.body.get("wall", history.wall_seconds)
    history.capacity_device_seconds = event.body.get("capacity", history.capacity_device_seconds)
    history.capacity_by_node = event.body.get("nodes", history.capacity_by_node)


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
    "known": _known,
    "enough": _enough,
    "final": _final,
}
