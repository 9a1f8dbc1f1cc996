"""The types that every part shares: a trial, what it reports, and how it ends."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sweeper.errors import FailureKind

Config = Mapping[str, Any]

_CHECKPOINT = re.compile(r"epoch-(\d{4,})\.\d+$")


def derive(seed: int, *path: str | int) -> int:
    """Return a seed for one purpose, drawn from the sweep's seed: `derive(7, "augment", trial.id, epoch)`.

    Randomness is split in no other way, so that no two purposes share a stream. The seed has 63 bits, which
    both NumPy and torch generators accept.
    """
    text = json.dumps([seed, *path], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def canonical(config: Config) -> str:
    """Return the configuration as JSON with sorted keys: equal configurations give equal text."""
    return json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def trial_key(sweep_id: str, config: Config, seed: int, repeat: int = 0) -> str:
    """Return the trial's identity in every system that hears of it (16 hex digits)."""
    text = "\n".join([sweep_id, canonical(config), str(seed), str(repeat)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Goal(StrEnum):
    """The direction in which a figure is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @property
    def sign(self) -> float:
        """The factor that makes more better."""
        return 1.0 if self is Goal.MAXIMIZE else -1.0

    def best(self, values: Iterable[float]) -> float:
        """Return the best of some values; ValueError where there are none."""
        return max(values) if self is Goal.MAXIMIZE else min(values)

    def is_better(self, one: float, other: float) -> bool:
        """Say whether the one is better than the other; equals are not."""
        return one > other if self is Goal.MAXIMIZE else one < other


class Decision(StrEnum):
    """What a running trial is told after a report."""

    CONTINUE = "continue"
    STOP = "stop"
    PAUSE = "pause"


class Cause(StrEnum):
    """Who decided it. A pause of the scheduler's waits for a promotion; one for the budget's or the driver's
    sake, or a user's, leaves the trial in the queue."""

    SCHEDULER = "scheduler"
    BUDGET = "budget"
    INTERRUPT = "interrupt"
    TARGET = "target"
    FINAL = "final"
    LIMIT = "limit"
    USER = "user"


class Wish(StrEnum):
    """What a person asks of one trial while the sweep runs; it is met at the trial's next report."""

    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"


class State(StrEnum):
    """Where a trial stands. The last five are final.

        WAITING ---granted---> RUNNING ---trained in full---> COMPLETED
           ^                   |  |  |----told to stop------> STOPPED
           |--attempt lost-----|  |  |----failed for good---> FAILED
           |  or interrupted      |
           |                      v
           |--- promoted ----- PAUSED ----never promoted----> STOPPED

    A lost attempt leaves the trial WAITING as long as its `FailureKind` has retries left. `INFEASIBLE` is
    what the search is told of a configuration that cannot be trained; no trial of the record has it.
    `sweeper retry` takes a FAILED trial back to WAITING, `sweeper extend` a never promoted one to PAUSED.
    """

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    INFEASIBLE = "infeasible"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will be heard of the trial."""
        return self not in (State.WAITING, State.RUNNING, State.PAUSED)


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt at one configuration, as a runner receives it.

    `checkpoint` is the directory that the attempt goes on from, None for a start at epoch 0.
    `point` is the name under which the sweep file lists the configuration, where it does. `epoch` and
    `device_seconds` are those of the last report that the record knows: epochs after the checkpoint and up to
    that one are trained again, and not reported again.
    """

    id: str
    number: int
    config: Config
    seed: int
    attempt: int = 1
    repeat: int = 0
    checkpoint: str | None = None
    point: str | None = None
    epoch: int = 0
    device_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a trial says after an epoch.

    `score` is the objective's metric on the validation split (never on the test split).
    `device_seconds` counts training, evaluation and what training waited for checkpoints since epoch 0, over
    all attempts, times the share of the device that the trial holds. `checkpoint` is the newest directory
    that is on the disk, of this epoch or an earlier one.
    """

    epoch: int
    score: float
    device_seconds: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    checkpoint: str | None = None

    @property
    def checkpoint_epoch(self) -> int:
        """The epoch after which the checkpoint was taken; 0 where there is none.

        A name that gives no epoch is that of a workload that writes one for each report.
        """
        if self.checkpoint is None:
            return 0
        named = _CHECKPOINT.search(self.checkpoint)
        return int(named[1]) if named else self.epoch


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision and the numbers behind it, as the record keeps them.

    `rank` counts from 1, the best, among `of` results at that rung; `threshold` is the score that
    was needed to go on. `reason` is for people; what the program does hangs on `cause`.
    """

    decision: Decision
    reason: str = ""
    rung: float | None = None
    rank: int | None = None
    of: int | None = None
    threshold: float | None = None
    cause: Cause = Cause.SCHEDULER


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. `fingerprint` tells two failures of one cause apart from two causes."""

    state: State
    kind: FailureKind = FailureKind.NONE
    message: str = ""
    fingerprint: str = ""

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> "Outcome":
        """Restore what `asdict` gave, after its way through JSON."""
        kind = FailureKind(plain["kind"])
        return cls(State(plain["state"]), kind, plain["message"], plain["fingerprint"])
