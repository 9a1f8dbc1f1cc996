"""Tune's searcher, scheduler and callbacks, thin over one tracker: which attempt each Tune trial is."""

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from sweeper.errors import FailureKind
from sweeper.runners import Pulse
from sweeper.runners.parts.run_attempt import CANCELLED, outcome_after
from sweeper.runners.ray.notice import NOTICE_SECONDS
from sweeper.runners.ray.placement import Taken
from sweeper.runners.ray.slots import STUCK_SECONDS, Slots
from sweeper.runners.ray.watchdog import Watch, error_of, kind_of_loss, missing, reason_of
from sweeper.runners.ray.worker import DONE
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, State, Trial

LOOK_SECONDS = 2.0
MARGIN_SECONDS = 3.0
"""Attempts are ended so many seconds before a drained node goes, because what goes with it counts as lost."""
PREEMPTED = Outcome(State.FAILED, FailureKind.PREEMPTED, "the node is being drained")


@dataclass
class Held:
    """One attempt: what it asked for, since when it has it, and what its worker said of itself."""

    trial: Trial
    request: Mapping[str, float]
    since: float | None = None
    worker: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_granted: bool = False
    leave_by: float | None = None

    @property
    def node(self) -> str:
        """Empty until the worker has said where it is."""
        return str(self.worker.get("node_id", ""))


@dataclass
class AttemptTracker:
    """Tells the sweep what workers say, and Tune what the sweep decides."""

    sweep: Sweep
    pulse: Pulse
    slots: Slots
    say: Callable[[str], None]
    watch: Watch = field(default_factory=Watch)
    is_cancelled: bool = False
    _looked_at: float = 0.0
    _has_complained: bool = False
    _held: dict[str, Held] = field(default_factory=dict[str, Held])
    _returned: deque[Trial] = field(default_factory=deque[Trial])

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune pickles all it is given for a `Tuner.restore` that sweeper never calls: nothing is kept."""
        return str, ("the record is the state",)

    def __deepcopy__(self, memo: dict[int, Any]) -> "AttemptTracker":
        """There is one tracker."""
        return self

    def ask(self, tune_id: str) -> Trial | None:
        """The next attempt, where there is room for it; one that a worker gave back comes first."""
        trial = self._returned.popleft() if self._returned else self._new()
        if trial is not None:
            self._held[tune_id] = Held(trial, self.slots.request(trial.config))
            self.watch.asked(tune_id)
        return trial

    def started(self, tune_id: str, trial: TuneTrial) -> None:
        """The attempt has its worker."""
        if tune_id in self._held:
            self._held[tune_id].since = time.monotonic()
            self.watch.started(tune_id, trial)

    def result(self, tune_id: str, said: dict[str, Any]) -> Decision:
        """Pass on what the worker said."""
        self.watch.alive(tune_id)
        held = self._held.get(tune_id)
        if held is None:
            return Decision.STOP
        self.sweep.meter.drew(held.trial.id, said.get("joules"), self.slots.share(held.trial.config))
        if "report" in said:
            return self._report(tune_id, held, Report(**said["report"]))
        if "device" in said:
            self._placed(tune_id, held, said["device"])
        elif "unfit" in said:
            self._give_back(tune_id)
        elif "failure" in said:
            self._tell(tune_id, Outcome.restored(said["failure"]))
        else:
            self._tell(tune_id, outcome_after(Decision.CONTINUE))
        return Decision.CONTINUE

    def lost(self, tune_id: str, kind: FailureKind, message: str) -> None:
        """The worker is gone; nothing happens where the attempt's end is known already."""
        held = self._held.get(tune_id)
        if held is not None:
            if held.since is not None:
                self._grant(held)
            self._tell(tune_id, Outcome(State.FAILED, kind, message))

    def tick(self) -> None:
        """Between Tune's steps: heartbeat, display, requests; every few seconds a look around."""
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
        for tune_id in list(self._held):
            self._end(tune_id, CANCELLED)
        while self._returned:
            trial = self._returned.popleft()
            self.sweep.tell(trial.id, CANCELLED, trial.attempt)

    def _new(self) -> Trial | None:
        is_stuck = not self.slots.grows and self.watch.longest_wait()[1] > STUCK_SECONDS
        if self.is_cancelled or is_stuck or not self.slots.has_room(self._taken()):
            return None
        return self.sweep.ask()

    def _taken(self) -> list[Taken]:
        return [Taken(held.request, held.node) for held in self._held.values()]

    def _report(self, tune_id: str, held: Held, report: Report) -> Decision:
        decision = self.sweep.report(held.trial.id, report, held.trial.attempt)
        if decision is not Decision.CONTINUE:
            self._tell(tune_id, outcome_after(decision))
        elif held.leave_by is not None:
            self._end(tune_id, PREEMPTED)
        return decision

    def _placed(self, tune_id: str, held: Held, worker: Mapping[str, Any]) -> None:
        """A worker that was used before may stand on a node that is being drained by now."""
        held.worker = worker
        if held.node in self.slots.leaving():
            self._give_back(tune_id)
        else:
            self._grant(held)

    def _give_back(self, tune_id: str) -> None:
        """The attempt has not begun: it is handed to another worker, and this one is ended."""
        held = self._held.pop(tune_id)
        self._returned.append(held.trial)
        self.watch.kill(tune_id, held.worker)
        self.watch.ended(tune_id)

    def _end_the_hung(self) -> None:
        for tune_id in self.watch.hung(self.sweep.history):
            self._end(tune_id, Outcome(State.FAILED, FailureKind.HUNG, "no sign of life from the worker"))

    def _leave_drained_nodes(self, now: float) -> None:
        """Each attempt there has until its next report, but not longer than a worker after SIGTERM."""
        leaving = self.slots.leaving()
        for tune_id, held in list(self._held.items()):
            if held.node in leaving and held.leave_by is None:
                held.leave_by = now + min(NOTICE_SECONDS, leaving[held.node] - MARGIN_SECONDS)
            if held.leave_by is not None and now >= held.leave_by:
                self._end(tune_id, PREEMPTED)

    def _complain(self) -> None:
        """Say what a waiting trial lacks, once for each time that one waits long and not for our own."""
        tune_id, waited = self.watch.longest_wait()
        is_long = waited > self.watch.waiting_seconds
        if not is_long:
            self._has_complained = False
        elif not self._has_complained and (self.slots.grows or not self.slots.waiting(self._taken())):
            self._has_complained = True
            lacking = missing(self._held[tune_id].request)
            self.say(f"a trial has waited for {waited:.0f} s: it lacks {lacking}")

    def _end(self, tune_id: str, outcome: Outcome) -> None:
        """Tell the sweep, then end the worker, whatever it is doing."""
        held = self._held[tune_id]
        if held.since is not None:
            self._grant(held)
            self.watch.kill(tune_id, held.worker)
        self._tell(tune_id, outcome)

    def _grant(self, held: Held) -> None:
        if not held.is_granted:
            held.is_granted = True
            now = time.monotonic()
            grant = self.slots.grant(held.trial.config, held.worker)
            self.sweep.on_start(held.trial.id, grant, seconds_ago=now - (held.since or now))

    def _tell(self, tune_id: str, outcome: Outcome) -> None:
        trial = self._held.pop(tune_id).trial
        self.watch.ended(tune_id)
        self.sweep.tell(trial.id, outcome, trial.attempt)


class SweepSearcher(Searcher):
    """Tune asks for a configuration; the sweep answers."""

    def __init__(self, tracker: AttemptTracker) -> None:
        super().__init__()
        self._tracker = tracker

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next attempt as a Tune configuration; FINISHED when the sweep has nothing more to give.

        While nothing runs, Tune does nothing but ask, once a second: the driver's pulse must go on.
        """
        if not self._tracker.sweep.live:
            self._tracker.tick()
        trial = self._tracker.ask(trial_id)
        if trial is None:
            is_done = self._tracker.sweep.is_done or self._tracker.is_cancelled
            return cast("dict[str, Any] | None", Searcher.FINISHED if is_done else None)
        return {"trial": json.dumps(asdict(trial))}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """The scheduler has passed it on."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the record is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the record is the state."""


class SweepScheduler(TrialScheduler):
    """Tune brings results; the sweep decides what becomes of the trial."""

    def __init__(self, tracker: AttemptTracker) -> None:
        super().__init__()
        self._tracker = tracker

    def on_trial_add(self, tune_controller: Any, trial: TuneTrial) -> None:
        """Asked for a moment ago."""

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        """Tune's STOP ends the attempt; whether the trial is paused or over is the sweep's business."""
        decision = self._tracker.result(trial.trial_id, json.loads(result["said"]))
        return TrialScheduler.CONTINUE if decision is Decision.CONTINUE else TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> None:
        """The worker said done."""
        self._tracker.result(trial.trial_id, DONE)

    def on_trial_error(self, tune_controller: Any, trial: TuneTrial) -> None:
        """The worker died, or was replaced after a failure that it told."""
        error = error_of(trial)
        self._tracker.lost(trial.trial_id, kind_of_loss(error), reason_of(error))

    def on_trial_remove(self, tune_controller: Any, trial: TuneTrial) -> None:
        """Ended before it started."""
        self._tracker.lost(trial.trial_id, FailureKind.INTERRUPTED, "removed before it started")

    def choose_trial_to_run(self, tune_controller: Any) -> TuneTrial | None:
        """First come, first served."""
        pending = (trial for trial in tune_controller.get_trials() if trial.status == TuneTrial.PENDING)
        return next(pending, None)

    def debug_string(self) -> str:
        """Shown nowhere."""
        return "sweeper"
