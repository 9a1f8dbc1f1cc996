"""The events of a sweep, one frozen class each; `sweeper.store.event_lines` reads and writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweeper.store.attempt import Grant, Reading
from sweeper.trial import Config, Outcome, Report, State, Verdict, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """The fields of every event: trial and attempt if it concerns one, wall time, and place in the log."""

    trial: str = ""
    attempt: int = 0
    at: float = 0.0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Clocks:
    """Sums over all launches: seconds with a driver, device-seconds held, and those of each named node.

    None stands for a sum that an event does not have.
    """

    wall: float | None = None
    capacity: float | None = None
    nodes: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class KnownResult:
    """What a configuration that is not run again has reached, as the search hears it.

    A configuration that cannot be trained is INFEASIBLE. `cost` is in device-seconds.
    """

    config: Config
    state: State
    value: float | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepLaunched(LogEntry):
    """A driver began to drive the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepClosed(LogEntry):
    """The driver left. `why` is `done`, `budget`, `broken`, `error`, or who asked it to stop."""

    why: str
    clocks: Clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTrial(LogEntry):
    """A trial of an earlier sweep in `search.from`; the search hears it before the first trial of its own.

    `reports` have the score and the top-5 accuracy (`valid/top5`) of each epoch.
    """

    sweep: str
    number: int
    config: Config
    state: State
    reports: Sequence[Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAsked(LogEntry):
    """A configuration was chosen and became a trial.

    `redrawn` are the configurations that the search drew before it; their results were known, so they cost
    nothing.
    """

    number: int
    config: Config
    seed: int
    repeat: int = 0
    point: str | None = None
    is_final_run: bool = False
    redrawn: Sequence[KnownResult] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(LogEntry):
    """An attempt received its device `granted` seconds after the sweep began, and is billed from then on.

    `waited` are the seconds since it was asked for; None where that is unknown.
    """

    grant: Grant
    granted: float = 0.0
    waited: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(LogEntry):
    """A trial reported after an epoch; its checkpoint is written."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(LogEntry):
    """The answer to the report of that epoch, and what the attempt had cost until then."""

    epoch: int
    verdict: Verdict
    cost: Reading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(LogEntry):
    """Running attempts have cost this much so far; a killed driver loses only what came after.

    `attempts` maps a trial to the number of its attempt and its reading.
    """

    clocks: Clocks
    attempts: Mapping[str, tuple[int, Reading]] = field(default_factory=dict[str, tuple[int, Reading]])


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(LogEntry):
    """An attempt is over and has released its device. The outcome is that of the trial.

    The outcome is WAITING where another attempt follows. Attempt 0 stands for none: it ends a paused trial
    that was never promoted.
    """

    outcome: Outcome
    cost: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTested(LogEntry):
    """The test split was opened for the trial."""

    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkBooked(LogEntry):
    """Work that serves all trials was booked: image stores, statistics, the final test."""

    what: str = ""
    device_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEnded(LogEntry):
    """`stop_when` found that more device time is not worth it; `figures` are those behind the sentence."""

    why: str
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalBegun(LogEntry):
    """The configurations of the final are known, the best first."""

    configs: Sequence[Config]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepExtended(LogEntry):
    """The budget or the space grew; `changes` says how, a line each."""

    changes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRetried(LogEntry):
    """A trial that was given up gets another attempt; its earlier failures no longer count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialWished(LogEntry):
    """A person asked to stop, pause or resume this trial alone; `by` is `user@host`."""

    wish: Wish
    by: str


TrialEvent = (
    TrialAsked | AttemptStarted | Reported | Decided | AttemptEnded | TrialTested | TrialRetried | TrialWished
)
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
