"""Ray Tune runs the trials: a thin Searcher that asks the sweep, a thin TrialScheduler that reports to it.

Each Tune trial is one attempt of ours. Tune's own search, checkpoints, retries, loggers and saved
state are not used: the record is the truth, and a resumed sweep starts a new Tuner.
"""

import json
import os
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import Field
from ray import tune
from ray.tune import Callback, CheckpointConfig, FailureConfig, RunConfig, TuneConfig
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher
from ray.tune.stopper import Stopper

from sweeper.ledger import Grant
from sweeper.runners import Pulse, Runner, Workload, runner
from sweeper.runners._attempt import CANCELLED, outcome_after, reports
from sweeper.runners._energy import EnergyMeter
from sweeper.runners._ray_cluster import Price, Slots, connected, quiet, worker_device
from sweeper.runners._ray_watch import PATIENCE_SECONDS, Watch, error_of, kind_of_loss, missing
from sweeper.sections import ResourcesSpec
from sweeper.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, State, Trial

DONE = {"done": True}
LOOK_SECONDS = 2.0


class Worker(tune.Trainable):
    """Runs attempts one after the other in one process, so that torch is imported once.

    The first result of an attempt names the device, the following ones are reports, the last says
    done. A failure is told like a report; the step after it raises, and Tune replaces the process.
    """

    def setup(self, config: dict[str, Any], workload: Workload | None = None) -> None:
        """Begin the first attempt. Tune calls this in the new process, with the workload."""
        if workload is None:
            raise TypeError("a Worker needs tune.with_parameters(Worker, workload=...)")
        self._workload = workload
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another attempt in this process."""
        self._end()
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """The next thing that the attempt has to say, as JSON, which Tune passes on unchanged."""
        if self._failed:
            raise RuntimeError("the attempt failed: this worker is to be replaced")
        said = next(self._items)
        self._failed = "failure" in said
        return {"said": json.dumps(said), "done": "done" in said}

    def cleanup(self) -> None:
        """The attempt was stopped: let its generator close what it holds."""
        self._end()

    def _begin(self, config: dict[str, Any]) -> None:
        self._failed = False
        self._items = _say(self._workload, Trial(**json.loads(config["trial"])))

    def _end(self) -> None:
        self._items.close()


def _say(workload: Workload, trial: Trial) -> Generator[dict[str, Any]]:
    device = worker_device()
    energy = EnergyMeter.of(device["gpus"])
    yield {"device": device | {"gpu_uuids": energy.uuids if energy else ()}}
    for item in reports(workload, trial):
        said = {"failure": asdict(item)} if isinstance(item, Outcome) else {"report": asdict(item)}
        yield said | {"joules": energy.joules() if energy else None}
    yield DONE | {"joules": energy.joules() if energy else None}


@dataclass
class Desk:
    """What Tune's callbacks share: which attempt a Tune trial is, and since when it holds a device."""

    sweep: Sweep
    pulse: Pulse
    slots: Slots
    say: Callable[[str], None]
    watch: Watch = field(default_factory=Watch)
    is_cancelled: bool = False
    _looked_at: float = 0.0
    _has_complained: bool = False
    _attempts: dict[str, Trial] = field(default_factory=dict[str, Trial])
    _since: dict[str, float] = field(default_factory=dict[str, float])
    _granted: set[str] = field(default_factory=set[str])

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune pickles all it is given for a `Tuner.restore` that sweeper never calls: nothing is kept."""
        return str, ("the record is the state",)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Desk":
        """There is one desk."""
        return self

    def ask(self, tune_id: str) -> Trial | None:
        """The next attempt, where a slot is free for it."""
        if self.sweep.live >= self.slots.count():
            return None
        trial = self.sweep.ask()
        if trial is not None:
            self._attempts[tune_id] = trial
            self.watch.asked(tune_id)
        return trial

    def started(self, tune_id: str, trial: TuneTrial) -> None:
        """The attempt has its worker."""
        self._since[tune_id] = time.monotonic()
        self.watch.started(tune_id, trial)

    def result(self, tune_id: str, result: dict[str, Any]) -> Decision:
        """Pass on what the worker said."""
        self.watch.alive(tune_id)
        trial = self._attempts.get(tune_id)
        if trial is None:
            return Decision.STOP
        self.sweep.meter.drew(trial.id, result.get("joules"), self.slots.share)
        if "device" in result:
            self._grant(tune_id, self.slots.grant(result["device"]))
        elif "report" in result:
            decision = self.sweep.report(trial.id, Report(**result["report"]), trial.attempt)
            if decision is not Decision.CONTINUE:
                self._tell(tune_id, outcome_after(decision))
            return decision
        elif "failure" in result:
            failure = result["failure"]
            self._tell(tune_id, Outcome(State(failure.pop("state")), **failure))
        else:
            self._tell(tune_id, outcome_after(Decision.CONTINUE))
        return Decision.CONTINUE

    def lost(self, tune_id: str, kind: str, message: str) -> None:
        """The worker is gone; nothing happens where the attempt's end is known already."""
        if tune_id in self._attempts:
            self._grant(tune_id, self.slots.grant({}))
            self._tell(tune_id, Outcome(State.FAILED, kind, message))

    def look(self) -> None:
        """Every few seconds: end what hangs, and say what a waiting trial lacks."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        for tune_id in self.watch.hung(self.sweep.history):
            self.watch.kill(tune_id)
            self.lost(tune_id, "hung", "no sign of life from the worker")
        waited = self.watch.waited_too_long()
        if waited and self.sweep.live <= self.slots.count() and not self._has_complained:
            self._has_complained = True
            self.say(f"a trial has waited for {waited:.0f} s: it lacks {missing(self.slots.request)}")

    def cancelled(self) -> None:
        """Every attempt that still runs was ended on request, and can be resumed."""
        for tune_id in list(self._attempts):
            self._tell(tune_id, CANCELLED)

    def _grant(self, tune_id: str, grant: Grant) -> None:
        if tune_id not in self._granted:
            self._granted.add(tune_id)
            now = time.monotonic()
            trial = self._attempts[tune_id]
            self.sweep.granted(trial.id, grant, seconds_ago=now - self._since.get(tune_id, now))

    def _tell(self, tune_id: str, outcome: Outcome) -> None:
        trial = self._attempts.pop(tune_id)
        self._granted.discard(tune_id)
        self._since.pop(tune_id, None)
        self.watch.ended(tune_id)
        self.sweep.tell(trial.id, outcome, trial.attempt)


class Asker(Searcher):
    """Tune asks for a configuration; the sweep answers."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next attempt as a Tune configuration; FINISHED when the sweep has nothing more to give."""
        trial = self._desk.ask(trial_id)
        if trial is None:
            is_done = self._desk.sweep.is_done
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


class Reporter(TrialScheduler):
    """Tune brings results; the sweep decides what becomes of the trial."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def on_trial_add(self, tune_controller: Any, trial: TuneTrial) -> None:
        """Asked for a moment ago."""

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        """Tune's STOP ends the attempt; whether the trial is paused or over is the sweep's business."""
        decision = self._desk.result(trial.trial_id, json.loads(result["said"]))
        return TrialScheduler.CONTINUE if decision is Decision.CONTINUE else TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> None:
        """The worker said done."""
        self._desk.result(trial.trial_id, DONE)

    def on_trial_error(self, tune_controller: Any, trial: TuneTrial) -> None:
        """The worker died, or was replaced after a failure that it told."""
        error = error_of(trial)
        lines = str(error).strip().splitlines() if error else []
        self._desk.lost(trial.trial_id, kind_of_loss(error), lines[0][:300] if lines else "the worker ended")

    def on_trial_remove(self, tune_controller: Any, trial: TuneTrial) -> None:
        """Ended before it started."""
        self._desk.lost(trial.trial_id, "interrupted", "removed before it started")

    def choose_trial_to_run(self, tune_controller: Any) -> TuneTrial | None:
        """First come, first served."""
        pending = (trial for trial in tune_controller.get_trials() if trial.status == TuneTrial.PENDING)
        return next(pending, None)

    def debug_string(self) -> str:
        """Shown nowhere."""
        return "sweeper"


class Housekeeping(Callback):
    """The driver's pulse between Tune's steps, and the moment in which an attempt gets its worker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        """From here on the attempt is billed."""
        self._desk.started(trial.trial_id, trial)

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        """Heartbeat, display, requests."""
        self._desk.sweep.meter.hold(self._desk.slots.held())
        self._desk.look()
        self._desk.is_cancelled = self._desk.pulse() or self._desk.is_cancelled


class Canceller(Stopper):
    """Ends every trial when the pulse says so."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Single trials are the scheduler's."""
        return False

    def stop_all(self) -> bool:
        """Whether the sweep was cancelled."""
        return self._desk.is_cancelled


@runner("ray_tune")
def ray_tune(
    *,
    resources: ResourcesSpec,
    state: Path,
    log: Path,
    address: str | None = None,
    cpus: Annotated[int, Field(ge=1)] | None = None,
    price: Price | None = None,
    patience: Annotated[float, Field(gt=0)] = PATIENCE_SECONDS,
    say: Callable[[str], None] = lambda text: None,
) -> Runner:
    """Runs as many trials at a time as the cluster has room for.

    `address` joins a running cluster; without it a private Ray is started on this machine and ended
    afterwards. `state` is a folder for what Tune insists on writing, `log` a file for what it prints.
    `cpus` limits the private Ray; `patience` is the silence in seconds after which a trial may count
    as hung; `say` tells people what they should know.
    """

    def drive(sweep: Sweep, workload: Workload, pulse: Pulse) -> None:
        with quiet(log), connected(address, cpus) as cluster:
            desk = Desk(sweep, pulse, Slots(cluster, resources, price), say, Watch(patience))
            desk.slots.require_room()
            sweep.meter.hold(desk.slots.held())
            _tuner(desk, workload, state).fit()
            desk.cancelled()
            sweep.meter.hold(0)

    return drive


def _tuner(desk: Desk, workload: Workload, state: Path) -> tune.Tuner:
    os.environ |= _TUNE_ENVIRONMENT | {"TUNE_MAX_PENDING_TRIALS_PG": str(desk.slots.count())}
    trainable = tune.with_resources(tune.with_parameters(Worker, workload=workload), desk.slots.request)
    return tune.Tuner(
        trainable,
        tune_config=TuneConfig(
            search_alg=Asker(desk),
            scheduler=Reporter(desk),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=RunConfig(
            name=f"launch-{desk.sweep.history.launches}",
            storage_path=str(state),
            callbacks=[Housekeeping(desk)],
            stop=Canceller(desk),
            verbose=0,
            failure_config=FailureConfig(max_failures=0),
            checkpoint_config=CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
        ),
    )


_TUNE_ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # CSV, JSON and TensorBoard files double the driver's work
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the command line has its own
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is never read back
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}
