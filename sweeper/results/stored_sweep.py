"""The sweeps in `runs/` are found here by name and read from their records."""

import contextlib
import gc
import json
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.store import lease
from sweeper.store.events import Event
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.lease import Owner, Request
from sweeper.store.ledger import Totals, totals
from sweeper.store.paths import SweepPaths, find
from sweeper.store.paths import runs_root as runs_root  # for the command line, which knows no paths
from sweeper.store.paths import sweep_names as sweep_names
from sweeper.store.record import Record
from sweeper.store.record_file import Damaged, proving
from sweeper.sweep.ranking import best_of
from sweeper.trackers.address import tracking_uri
from sweeper.trial import State, Wish
from sweeper.wording import redacted

Standing = Literal["running", "done", "stopped", "broken", "interrupted", "ready"]
"""`stopped`: somebody asked for it; `interrupted`: its process ended without a word; `ready`: to go on."""

RECOVERS = "`sweeper resume {}` goes on from record.copy.db"
REASONS = {
    "stop": "sweeper stop",
    "cancel": "sweeper cancel",
    "SIGINT": "Ctrl-C",
    "paused": "all that is left was paused by hand",
}


@dataclass(frozen=True, slots=True)
class StoredSweep:
    """A sweep as its record has it. `undelivered` counts what tracking has not confirmed.

    `last_at` is the wall time of the newest event, `last_seq` its number, and `heard_at` the time of each
    trial's newest.
    """

    paths: SweepPaths
    meta: Mapping[str, str]
    spec: SweepSpec
    history: SweepHistory
    owner: Owner | None
    undelivered: int
    last_at: float
    heard_at: Mapping[str, float]
    last_seq: int = 0

    @property
    def name(self) -> str:
        """The sweep's name, which is its folder's."""
        return self.paths.name

    @property
    def root(self) -> Path:
        """The folder in which everything of the sweep lies."""
        return self.paths.root

    @property
    def tracking(self) -> str:
        """The address of its copy in MLflow, without the password."""
        return redacted(tracking_uri(self.spec.tracking.uri, self.paths.mlflow))

    @property
    def device_totals(self) -> Totals:
        """What it has cost so far, in device-seconds and money."""
        return totals(self.history)

    def events(self, after: int = 0) -> Sequence[Event]:
        """Return the events that its record holds now after number `after`, oldest first."""
        return events(self.paths, after)

    def is_running(self) -> bool:
        """Say whether a process runs it now, which may have ended since the record was read."""
        return lease.owner(self.root) is not None

    @property
    def standing(self) -> Standing:
        """Where the sweep stands, in one word."""
        return "running" if self.owner else self.ended

    @property
    def ended(self) -> Standing:
        """How its last launch ended, whether or not another is under way."""
        match self.history.closed:
            case "done" | "budget":
                return "done"
            case "broken":
                return "broken"
            case "":
                return "interrupted"
            case "extended" | "retried":
                return "ready"
            case _:
                return "stopped"

    @property
    def counts(self) -> dict[str, int]:
        """Trials by state; those that ran when their driver died are `interrupted`."""
        counted = Counter(trial.state for trial in self.history.trials.values())
        return {self.state_word(state): counted[state] for state in State if counted[state]}

    def state_word(self, state: State) -> str:
        """Return the state in a word; without a process to run them, running trials are `interrupted`."""
        return "interrupted" if state is State.RUNNING and not self.owner else str(state)

    @property
    def best(self) -> TrialHistory | None:
        """The best trial so far, which is one of the configuration with the best mean."""
        return best_of(self.history, self.spec.objective.goal)

    @property
    def classes(self) -> int | None:
        """How many classes its images have; None for a record that does not tell."""
        return len(json.loads(self.meta["classes"])) if "classes" in self.meta else None

    @property
    def valid_count(self) -> int | None:
        """How many images its validation split has; in older records the split's share of them, None where
        they tell nothing."""
        if "valid_images" in self.meta:
            return sum(json.loads(self.meta["valid_images"]))
        split, images = self.spec.dataset.split, sum(json.loads(self.meta.get("images", "{}")).values())
        share = (1 - split.test) / split.folds if split.folds else split.valid
        return round(images * share) or None

    @property
    def has_gpu(self) -> bool:
        """Whether its device time is that of GPUs."""
        return any(attempt.is_gpu for attempt in self.history.attempts)


def stored(name: str) -> StoredSweep:
    """Return the sweep of that name as its record has it."""
    return read(find(name))


def refuse_running(name: str, *, is_taken_over: bool = False) -> None:
    """Raise BusyError where another process runs the sweep; with `is_taken_over` that one is ended first."""
    paths = find(name)
    if is_taken_over:
        lease.take_over(paths.root)
    lease.refuse_if_owned(paths.root)


def request(name: str, what: Request) -> Owner | None:
    """Leave a request for the process that runs the sweep, and return its owner; None where none runs it."""
    paths = find(name)
    owner = lease.owner(paths.root)
    if owner:
        lease.ask_owner(paths.root, what)
    return owner


def request_for_trial(sweep: StoredSweep, trial: TrialHistory, wish: Wish) -> None:
    """Leave a request about one trial for the process that runs the sweep."""
    lease.ask_for_trial(sweep.root, trial.number, wish)


def read(paths: SweepPaths) -> StoredSweep:
    """Read the record; StateError for one that is damaged, or that a newer sweeper wrote."""
    owner = lease.owner(paths.root)
    with _opened(paths) as record, _uncollected():
        meta = record.meta
        spec = restore_spec(json.loads(meta["spec"]), name=str(paths.spec))
        history, heard_at, last_at, seq = SweepHistory(), dict[str, float](), 0.0, 0
        for event in record.events():
            history.apply(event)
            last_at, seq = event.at, event.seq
            heard_at[event.trial] = event.at
        return StoredSweep(paths, meta, spec, history, owner, record.pending_count(), last_at, heard_at, seq)


def events(paths: SweepPaths, after: int = 0) -> Sequence[Event]:
    """Return the record's events after number `after`."""
    with _opened(paths) as record:
        return list(record.events(after))


def next_commands(standing: Standing, name: str) -> tuple[str, ...]:
    """Return what to type next, the likeliest first."""
    match standing:
        case "running":
            return (f"sweeper logs {name} --follow", f"sweeper stop {name}", f"sweeper ui {name}")
        case "done":
            return (f"sweeper best {name}", f"sweeper evaluate {name}", f"sweeper ui {name}")
        case "broken":
            return (f"sweeper logs {name} 0", f"sweeper retry {name} --failed")
        case _:
            return (f"sweeper resume {name}", f"sweeper best {name}", f"sweeper ui {name}")


def standing_text(sweep: StoredSweep) -> str:
    """Say how the sweep stands: `running (process 7 on host since ...)`, `stopped (Ctrl-C)`."""
    if sweep.owner:
        return f"running (process {sweep.owner.pid} on {sweep.owner.host} since {sweep.owner.since})"
    if sweep.standing == "stopped":
        return f"stopped ({reason_text(sweep.history.closed)})"
    explained = {
        "broken": f"broken (each of its first {sweep.spec.budget.max_failed} trials failed)",
        "interrupted": "interrupted (its process ended without closing the record)",
        "ready": f"ready to go on ({sweep.history.closed})",
    }
    return explained.get(sweep.standing, sweep.standing)


def reason_text(why: str) -> str:
    """Say for people why a sweep was closed."""
    return REASONS.get(why, why)


@contextlib.contextmanager
def _uncollected() -> Generator[None]:
    """Turn garbage collection off: it took a sixth of the time to read a record, and found nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def _opened(paths: SweepPaths) -> Generator[Record]:
    """The sweep's record; what cannot be understood in it is `Damaged`, with the way on if there is one."""
    record = _open(paths)
    try:
        with _recoverable(paths), proving(record.path):
            yield record
    finally:
        record.close()


def _open(paths: SweepPaths) -> Record:
    """Open the record, or its copy where there is none, until `sweeper resume` puts that in its place."""
    if paths.copy.exists() and not paths.record.exists():
        return Record.open(paths.copy)
    with _recoverable(paths):
        return Record.open(paths.record)


@contextlib.contextmanager
def _recoverable(paths: SweepPaths) -> Generator[None]:
    try:
        yield
    except Damaged as error:
        if not paths.copy.exists() or error.where == str(paths.copy):
            raise
        raise Damaged(error.problem, where=error.where, hint=RECOVERS.format(paths.name)) from error
