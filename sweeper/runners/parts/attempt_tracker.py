"""This module tracks which attempts run, what workers say of them, and which must be ended."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sweeper.errors import FailureKind
from sweeper.runners import Pulse
from sweeper.runners.parts.notice import NOTICE_SECONDS
from sweeper.runners.parts.placement import Taken
from sweeper.runners.parts.run_attempt import CANCELLED, outcome_after
from sweeper.runners.parts.slots import Slots
from sweeper.runners.parts.watch import Watch
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, State, Trial

LOOK_SECONDS = 2.0
MARGIN_SECONDS = 3.0
"""Attempts are ended so many seconds before a drained node goes, because what goes with it counts as lost."""
PREEMPTED = Outcome(State.FAILED, FailureKind.PREEMPTED, "the node is being drained")


class Workers(Protocol):
    """The processes that attempts run in."""

    def kill(self, handle: Any, said: Mapping[str, Any]) -> None:
        """End a process, whatever it is doing. `said` is what it has said of itself so far."""
        ...

    def sign(self, handle: Any, said: Mapping[str, Any]) -> object:
        """What changes as long as a process goes through batches; None of one that says nothing of them."""
        ...

    def lacking(self, request: Mapping[str, float]) -> str:
        """Say which resource an attempt that waits for a worker lacks."""
        ...


@dataclass
class Held:
    """One attempt: what it asked for, its worker and since when, and what the worker said of itself.

    `places` is among how many attempts the worker's device is divided.
    """

    trial: Trial
    request: Mapping[str, float]
    since: float | None = None
    handle: Any = None
    places: int = 1
    worker: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_granted: bool = False
    leave_by: float | None = None

    @property
    def node(self) -> str:
        """The worker's node; empty until the worker has named it."""
        return str(self.worker.get("node_id", ""))


@dataclass
class AttemptTracker:
    """Tells the sweep what workers say, and the runner what the sweep decides.

    Until it ends, an attempt goes by a key that the runner chose.
    """

    sweep: Sweep
    pulse: Pulse
    slots: Slots
    workers: Workers
    say: Callable[[str], None]
    watch: Watch = field(default_factory=Watch)
    is_cancelled: bool = False
    _looked_at: float = 0.0
    _has_complained: bool = False
    _held: dict[str, Held] = field(default_factory=dict[str, Held])
    _returned: deque[Trial] = field(default_factory=deque[Trial])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle nothing: Tune pickles all it is given, for a `Tuner.restore` that sweeper never calls."""
        return str, ("the record is the state",)

    def __deepcopy__(self, memo: dict[int, Any]) -> "AttemptTracker":
        """Return this tracker, because there is only one."""
        return self

    def ask(self, key: str) -> Trial | None:
        """Return the next attempt if there is room for it; one that a worker gave back comes first."""
        trial = self._returned.popleft() if self._returned else self._new()
        if trial is not None:
            self._held[key] = Held(trial, self.slots.request(trial.config))
            self.watch.asked(key)
        return trial

    def started(self, key: str, handle: Any, places: int = 1) -> None:
        """Note that the attempt has its worker; `handle` is what `Workers` knows it by."""
        if key in self._held:
            held = self._held[key]
            held.since, held.handle, held.places = time.monotonic(), handle, places
            self.watch.started(key)

    def holds(self, key: str) -> bool:
        """Say whether the attempt has not ended yet."""
        return key in self._held

    def result(self, key: str, said: dict[str, Any]) -> Decision:
        """Pass on what the worker said."""
        self.watch.alive(key)
        held = self._held.get(key)
        if held is None:
            return Decision.STOP
        self.sweep.meter.drew(held.trial.id, said.get("joules"), self.slots.share(held.trial.config))
        if "report" in said:
            return self._report(key, held, Report(**said["report"]))
        if "device" in said:
            self._placed(key, held, said["device"])
        elif "unfit" in said:
            self._give_back(key)
        elif "failure" in said:
            self._tell(key, Outcome.restored(said["failure"]))
        else:
            self._tell(key, outcome_after(Decision.CONTINUE))
        return Decision.CONTINUE

    def divide(self, seconds: Mapping[str, float]) -> None:
        """Say whose the time was that attempts have shared a device for, by key."""
        self.sweep.divide(
            {self._held[key].trial.id: each for key, each in seconds.items() if self.holds(key)}
        )

    def lost(self, key: str, kind: FailureKind, message: str) -> None:
        """End an attempt whose worker is gone; nothing happens where its end is known already."""
        held = self._held.get(key)
        if held is not None:
            if held.since is not None:
                self._grant(held)
            self._tell(key, Outcome(State.FAILED, kind, message))

    def tick(self) -> None:
        """Do the driver's work between the runner's steps, and every few seconds look at all attempts."""
        self.sweep.meter.hold(self.slots.held())
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._end_the_hung()
            self._leave_drained_nodes(now)
            self._complain()
        if self.pulse() and not self.is_cancelled:
            self.is_cancelled = True
            self.cancel()

    def cancel(self) -> None:
        """End every attempt on request, at once; each can be resumed."""
        for key in list(self._held):
            self._end(key, CANCELLED)
        while self._returned:
            trial = self._returned.popleft()
            self.sweep.tell(trial.id, CANCELLED, trial.attempt)

    def _new(self) -> Trial | None:
        is_stuck = self.watch.longest_wait()[1] > self.slots.stuck_seconds
        if self.is_cancelled or is_stuck or not self.slots.has_room(self._taken()):
            return None
        return self.sweep.ask()

    def _taken(self) -> list[Taken]:
        return [Taken(held.request, held.node) for held in self._held.values()]

    def _report(self, key: str, held: Held, report: Report) -> Decision:
        self.watch.reported(key)
        decision = self.sweep.report(held.trial.id, report, held.trial.attempt)
        if decision is not Decision.CONTINUE:
            self._tell(key, outcome_after(decision))
        elif held.leave_by is not None:
            self._end(key, PREEMPTED)
        return decision

    def _placed(self, key: str, held: Held, worker: Mapping[str, Any]) -> None:
        """Start billing on the worker, or give the attempt back where its node is being drained by now."""
        held.worker = worker
        if held.node in self.slots.leaving():
            self._give_back(key)
        else:
            self._grant(held)

    def _give_back(self, key: str) -> None:
        """Hand an attempt that has not begun to another worker, and end this one."""
        held = self._held.pop(key)
        self._returned.append(held.trial)
        self.workers.kill(held.handle, held.worker)
        self.watch.ended(key)

    def _end_the_hung(self) -> None:
        for key in self.watch.hung(self._epoch_seconds, self._sign):
            self._end(key, Outcome(State.FAILED, FailureKind.HUNG, "no sign of life from the worker"))

    def _epoch_seconds(self, key: str) -> float:
        trial = self.sweep.history.trials[self._held[key].trial.id]
        return self.sweep.spending.epoch_seconds(trial)

    def _sign(self, key: str) -> object:
        held = self._held[key]
        return self.workers.sign(held.handle, held.worker)

    def _leave_drained_nodes(self, now: float) -> None:
        """End each attempt there at its next report, or as soon as a worker would end after SIGTERM."""
        leaving = self.slots.leaving()
        for key, held in list(self._held.items()):
            if held.node in leaving and held.leave_by is None:
                held.leave_by = now + min(NOTICE_SECONDS, leaving[held.node] - MARGIN_SECONDS)
            if held.leave_by is not None and now >= held.leave_by:
                self._end(key, PREEMPTED)

    def _complain(self) -> None:
        """Say once what a trial lacks that waits long, unless it waits for room that our own trials hold."""
        key, waited = self.watch.longest_wait()
        is_long = waited > self.watch.waiting_seconds
        if not is_long:
            self._has_complained = False
        elif not self._has_complained and (self.slots.grows or not self.slots.waiting(self._taken())):
            self._has_complained = True
            lacking = self.workers.lacking(self._held[key].request)
            self.say(f"a trial has waited for {waited:.0f} s: it lacks {lacking}")

    def _end(self, key: str, outcome: Outcome) -> None:
        """Tell the sweep, then end the worker, whatever it is doing."""
        held = self._held[key]
        if held.since is not None:
            self._grant(held)
            self.workers.kill(held.handle, held.worker)
        self._tell(key, outcome)

    def _grant(self, held: Held) -> None:
        if not held.is_granted:
            held.is_granted = True
            now = time.monotonic()
            grant = self.slots.grant(held.trial.config, held.worker, held.places)
            self.sweep.on_start(held.trial.id, grant, seconds_ago=now - (held.since or now))

    def _tell(self, key: str, outcome: Outcome) -> None:
        trial = self._held.pop(key).trial
        self.watch.ended(key)
        self.sweep.tell(trial.id, outcome, trial.attempt)
