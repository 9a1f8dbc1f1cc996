"""A snapshot is what a driver says of a running sweep: small, immutable, and enough for every observer.

A `Moment` is one thing that just happened to a trial; a `Snapshot` is how the whole sweep stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweeper.trial import Outcome, State, Verdict


class Happening(StrEnum):
    """What a moment is: an attempt started, a trial reported, a trial reached its final state."""

    STARTED = "started"
    REPORTED = "reported"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to one trial. `verdict` is the scheduler's on the last report.

    `score` is the last report's, in the objective's own unit (a fraction for an accuracy).
    """

    kind: Happening
    number: int
    epoch: int = 0
    score: float | None = None
    device_seconds: float = 0.0
    verdict: Verdict | None = None
    outcome: Outcome | None = None
    label: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class TrialStatus:
    """One trial as a table shows it: a running one, or the best so far.

    `values` are those of the parameters that are searched, as text; a named point has none. `pace` is in
    seconds an epoch, `rung` the last at which the trial was judged, `curve` its score after each epoch.
    """

    number: int
    epoch: int = 0
    score: float | None = None
    device_seconds: float = 0.0
    label: str = ""
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    rung: float | None = None
    pace: float | None = None
    node: str = ""
    device: str = ""
    curve: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a sweep stands.

    `budgets` holds the used fraction of each budget that is set, `limits` the budget itself; `planned` the
    trials that the budget allows, None where another budget ends the sweep; `eta_seconds` is None while it
    cannot be told, `eta_range` while it cannot be told how sure it is.
    Device-seconds are CPU slot seconds where `has_gpu` is false.
    """

    sweep: str
    metric: str
    is_maximized: bool = True
    states: Mapping[State, int] = field(default_factory=dict[State, int])
    planned: int | None = None
    running: tuple[TrialStatus, ...] = ()
    best: TrialStatus | None = None
    reports: int = 0
    billed_device_seconds: float = 0.0
    productive_device_seconds: float = 0.0
    usd: float | None = None
    has_gpu: bool = False
    budgets: Mapping[str, float] = field(default_factory=dict[str, float])
    limits: Mapping[str, float] = field(default_factory=dict[str, float])
    elapsed_seconds: float = 0.0
    eta_seconds: float | None = None
    eta_range: tuple[float, float] | None = None
    undelivered: int = 0
    tracking_problem: str = ""

    @property
    def finished(self) -> int:
        """How many trials are over."""
        return sum(count for state, count in self.states.items() if state.is_final)
