"""The events of a sweep: one frozen class each, and the only place that knows how the record spells them.

`parse` turns a line of the log into its event, `line_of` an event into its line. A line that an older
version wrote is brought up to date first (`_upgraded`), so that nothing else knows of older versions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sweeper.store.attempt import Grant, Reading
from sweeper.trial import Cause, Config, Decision, Outcome, Report, State, Verdict

SCHEMA = 2
"""1: verdicts had no cause; who paused a trial stood in front of the colon of the reason."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log as the record keeps it; `at` is wall time, for people."""

    kind: str
    trial: str = ""
    attempt: int = 0
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    at: float = 0.0
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What every event has: trial and attempt where it concerns one, wall time, and place in the log."""

    trial: str = ""
    attempt: int = 0
    at: float = 0.0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Clocks:
    """Sums over all launches: seconds with a driver, device-seconds held, and those of each named node.

    None stands for what an event does not tell.
    """

    wall: float | None = None
    capacity: float | None = None
    nodes: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class KnownResult:
    """What a configuration that is not run again has reached, as the search is told; INFEASIBLE for one
    that cannot be trained. `cost` is in device-seconds."""

    config: Config
    state: State
    value: float | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepLaunched(Entry):
    """A driver began to drive the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepClosed(Entry):
    """The driver left. `why` is `done`, `budget`, `broken`, `error`, or who asked it to stop."""

    why: str
    clocks: Clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTrial(Entry):
    """A trial of an earlier sweep that `search.from` names, told to the search before the first of its own.

    `reports` have the score and the top-5 accuracy (`valid/top5`) of each epoch.
    """

    sweep: str
    number: int
    config: Config
    state: State
    reports: Sequence[Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAsked(Entry):
    """A configuration was chosen and became a trial. `redrawn` are those that the search drew before it
    and that cost nothing, because their results were known."""

    number: int
    config: Config
    seed: int
    repeat: int = 0
    point: str | None = None
    is_final_run: bool = False
    redrawn: Sequence[KnownResult] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Entry):
    """An attempt received its device, `granted` seconds after the sweep began, and is billed from then on.

    `waited` are the seconds since it was asked for, None where nobody knows.
    """

    grant: Grant
    granted: float = 0.0
    waited: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(Entry):
    """A trial reported after an epoch; its checkpoint is written."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Entry):
    """What the trial was told after the report of that epoch, and what its attempt had cost until then."""

    epoch: int
    verdict: Verdict
    cost: Reading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Entry):
    """What running attempts have cost so far: a killed driver loses only what came after.

    `attempts` maps a trial to the number of its attempt and the reading of it.
    """

    clocks: Clocks
    attempts: Mapping[str, tuple[int, Reading]] = field(default_factory=dict[str, tuple[int, Reading]])


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(Entry):
    """An attempt is over and has released its device. The outcome is that of the trial: WAITING where another
    attempt follows. Attempt 0 is none: a paused trial that nothing promoted."""

    outcome: Outcome
    cost: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTested(Entry):
    """The test split was opened for the trial."""

    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkBooked(Entry):
    """Work of the sweep that serves all trials: image stores, statistics, the final test."""

    what: str = ""
    device_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEnded(Entry):
    """`stop_when` found that more device time is not worth it; `figures` are those behind the sentence."""

    why: str
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalBegun(Entry):
    """The configurations of the final are known, the best first."""

    configs: Sequence[Config]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepExtended(Entry):
    """The budget or the space grew; `changes` says how, a line each."""

    changes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRetried(Entry):
    """A trial that was given up gets another attempt: its failure budgets are whole again."""


TrialEvent = TrialAsked | AttemptStarted | Reported | Decided | AttemptEnded | TrialTested | TrialRetried
SweepEvent = (
    SweepLaunched
    | SweepClosed
    | SweepExtended
    | Heartbeat
    | EarlierTrial
    | WorkBooked
    | SearchEnded
    | FinalBegun
)
Event = TrialEvent | SweepEvent


def line_of(event: Event) -> Line:
    """The event as the record spells it."""
    kind, body = _of_trial(event) if isinstance(event, TrialEvent) else _of_sweep(event)
    return Line(kind, event.trial, event.attempt, body, event.at, event.seq)


def parse(line: Line, schema: int = SCHEMA) -> Event | None:
    """The event of a line that a sweeper of that schema wrote; None for a kind that is unknown here.

    KeyError, TypeError or ValueError for a line that no sweeper wrote: whoever opens a record says that
    it is damaged.
    """
    parser = _PARSERS.get(line.kind)
    if parser is None:
        return None
    entry = {"trial": line.trial, "attempt": line.attempt, "at": line.at, "seq": line.seq}
    return parser(_upgraded(line, schema), entry)


def parse_lines(lines: Iterable[Line], schema: int = SCHEMA) -> Iterator[Event]:
    """The events of a log in order."""
    for line in lines:
        event = parse(line, schema)
        if event is not None:
            yield event


def _upgraded(line: Line, schema: int) -> Mapping[str, Any]:
    """The body as the newest schema has it."""
    if schema < 2 and line.kind == "decided":
        cause = _CAUSES_OF_SCHEMA_1.get(str(line.body.get("reason", "")).partition(":")[0])
        return line.body if cause is None else {**line.body, "cause": cause}
    return line.body


_CAUSES_OF_SCHEMA_1 = {"interrupted": Cause.INTERRUPT, "budget": Cause.BUDGET}


def _of_trial(event: TrialEvent) -> tuple[str, dict[str, Any]]:
    match event:
        case TrialAsked():
            return "asked", {name: value for name, value in asdict(event).items() if name in _ASKED}
        case AttemptStarted():
            return "granted", {**asdict(event.grant), "granted": event.granted, "waited": event.waited}
        case Reported():
            return "reported", asdict(event.report)
        case Decided():
            verdict = {key: value for key, value in asdict(event.verdict).items() if value is not None}
            return "decided", {"epoch": event.epoch, **verdict, **_reading(event.cost)}
        case AttemptEnded():
            return "ended", {**asdict(event.outcome), **_reading(event.cost)}
        case TrialTested():
            return "tested", {"metrics": event.metrics}
        case TrialRetried():
            return "retried", {}


def _of_sweep(event: SweepEvent) -> tuple[str, dict[str, Any]]:
    match event:
        case SweepLaunched():
            return "launched", {}
        case SweepClosed():
            return "closed", {**_clocks(event.clocks), "why": event.why}
        case SweepExtended():
            return "extended", {"changes": list(event.changes)}
        case Heartbeat():
            attempts = {trial: [number, *cost] for trial, (number, cost) in event.attempts.items()}
            return "beat", {**_clocks(event.clocks), "attempts": attempts}
        case EarlierTrial():
            return "known", _earlier_body(event)
        case WorkBooked():
            return "booked", {"what": event.what, "device_seconds": event.device_seconds}
        case SearchEnded():
            return "enough", {"why": event.why, **event.figures}
        case FinalBegun():
            return "final", {"configs": [dict(config) for config in event.configs]}


def _clocks(clocks: Clocks) -> dict[str, Any]:
    return {name: value for name, value in asdict(clocks).items() if value not in (None, {})}


def _reading(cost: Reading | None) -> dict[str, Any]:
    return {} if cost is None else cost._asdict()


def _earlier_body(event: EarlierTrial) -> dict[str, Any]:
    reports = [[r.epoch, r.score, r.device_seconds, r.metrics["valid/top5"]] for r in event.reports]
    head = {"sweep": event.sweep, "number": event.number, "config": dict(event.config)}
    return {**head, "state": str(event.state), "reports": reports}


_Body = Mapping[str, Any]
_Entry = Mapping[str, Any]


def _parse_closed(body: _Body, entry: _Entry) -> SweepClosed:
    return SweepClosed(why=body.get("why", "done"), clocks=_parse_clocks(body), **entry)


def _parse_clocks(body: _Body) -> Clocks:
    return Clocks(body.get("wall"), body.get("capacity"), body.get("nodes"))


def _parse_earlier(body: _Body, entry: _Entry) -> EarlierTrial:
    reports = tuple(
        Report(epoch, score, seconds, {"valid/top5": top5}) for epoch, score, seconds, top5 in body["reports"]
    )
    state = State(body["state"])
    named = {"sweep": body.get("sweep", ""), "number": body.get("number", 0), "config": body["config"]}
    return EarlierTrial(**named, state=state, reports=reports, **entry)


def _parse_asked(body: _Body, entry: _Entry) -> TrialAsked:
    redrawn = tuple(
        KnownResult(each["config"], State(each["state"]), each["value"], each["cost"])
        for each in body.get("redrawn", ())
    )
    told = {name: value for name, value in body.items() if name in _ASKED}
    return TrialAsked(**{**told, "redrawn": redrawn}, **entry)


_ASKED = frozenset(each.name for each in fields(TrialAsked)) - {each.name for each in fields(Entry)}
_GRANT = frozenset(each.name for each in fields(Grant))


def _parse_granted(body: _Body, entry: _Entry) -> AttemptStarted:
    """What a newer sweeper says of a device and this one does not know is left out."""
    grant = Grant(**{name: value for name, value in body.items() if name in _GRANT})
    return AttemptStarted(grant=grant, granted=body.get("granted", 0.0), waited=body.get("waited"), **entry)


def _parse_decided(body: _Body, entry: _Entry) -> Decided:
    told = {name: body[name] for name in ("reason", "rung", "rank", "of", "threshold") if name in body}
    cause = Cause(body.get("cause", Cause.SCHEDULER))
    cost = None
    if "billed" in body:
        cost = Reading(body["billed"], body.get("productive", 0.0), body.get("joules"))
    verdict = Verdict(Decision(body["decision"]), **told, cause=cause)
    return Decided(epoch=body["epoch"], verdict=verdict, cost=cost, **entry)


def _parse_beat(body: _Body, entry: _Entry) -> Heartbeat:
    attempts = {
        trial: (number, Reading(*cost)) for trial, (number, *cost) in body.get("attempts", {}).items()
    }
    return Heartbeat(clocks=_parse_clocks(body), attempts=attempts, **entry)


def _parse_ended(body: _Body, entry: _Entry) -> AttemptEnded:
    cost = Reading(body["billed"], body["productive"], body.get("joules"))
    return AttemptEnded(outcome=Outcome.restored(body), cost=cost, **entry)


def _parse_enough(body: _Body, entry: _Entry) -> SearchEnded:
    figures = {name: value for name, value in body.items() if name != "why"}
    return SearchEnded(why=body["why"], figures=figures, **entry)


def _parse_booked(body: _Body, entry: _Entry) -> WorkBooked:
    return WorkBooked(what=body.get("what", ""), device_seconds=body.get("device_seconds", 0.0), **entry)


_PARSERS: Mapping[str, Callable[[_Body, _Entry], Event]] = {
    "launched": lambda body, entry: SweepLaunched(**entry),
    "closed": _parse_closed,
    "known": _parse_earlier,
    "asked": _parse_asked,
    "granted": _parse_granted,
    "reported": lambda body, entry: Reported(report=Report(**body), **entry),
    "decided": _parse_decided,
    "beat": _parse_beat,
    "ended": _parse_ended,
    "tested": lambda body, entry: TrialTested(metrics=body["metrics"], **entry),
    "booked": _parse_booked,
    "enough": _parse_enough,
    "final": lambda body, entry: FinalBegun(configs=body["configs"], **entry),
    "extended": lambda body, entry: SweepExtended(changes=body.get("changes", ()), **entry),
    "retried": lambda body, entry: TrialRetried(**entry),
}
