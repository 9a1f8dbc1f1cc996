"""Ray Tune runs the trials: it asks the sweep and reports to it by way of `sweeper.runners.ray.tune_adapter`.

Each Tune trial is one attempt of ours. Tune's own search, checkpoints, retries, loggers and saved
state are not used: the record is the truth, and a resumed sweep starts a new Tuner.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from ray import tune
from ray.tune import Callback, CheckpointConfig, FailureConfig, RunConfig, TuneConfig
from ray.tune.execution.placement_groups import resource_dict_to_pg_factory
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.stopper import Stopper

from sweeper.config.resources import ResourcesSpec
from sweeper.runners import Pulse, Runner, Workload, runner
from sweeper.runners.parts.attempt_tracker import AttemptTracker
from sweeper.runners.parts.slots import Price, Slots, request_of
from sweeper.runners.parts.versions import versions_here
from sweeper.runners.parts.watch import PATIENCE_SECONDS, WAITING_SECONDS, Watch
from sweeper.runners.ray.cluster import connected, quiet
from sweeper.runners.ray.machines import machines
from sweeper.runners.ray.sight import require_sight
from sweeper.runners.ray.tune_adapter import SweepScheduler, SweepSearcher
from sweeper.runners.ray.watchdog import TuneWorkers
from sweeper.runners.ray.worker import Worker
from sweeper.sweep.sweep import Sweep

MOST_PENDING = "1000"


class DriverCallback(Callback):
    """Gives the driver its pulse between Tune's steps, and notes when an attempt gets its worker."""

    def __init__(self, tracker: AttemptTracker) -> None:
        self._tracker = tracker

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        """Bill the attempt from here on."""
        self._tracker.started(trial.trial_id, trial)

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        """Do the driver's work: heartbeat, display, requests, and attempts that hang or must leave."""
        self._tracker.tick()


class CancelStopper(Stopper):
    """Ends every trial when the pulse says so."""

    def __init__(self, tracker: AttemptTracker) -> None:
        self._tracker = tracker

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Return False: the scheduler ends single trials."""
        return False

    def stop_all(self) -> bool:
        """Return whether the sweep was cancelled."""
        return self._tracker.is_cancelled


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
    waiting: Annotated[float, Field(gt=0)] = WAITING_SECONDS,
    notice: Annotated[float, Field(gt=0)] | None = None,
    memory: Callable[[], int] | None = None,
    versions: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Runner:
    """Runs as many trials at a time as the cluster has room for.

    `address` joins a running cluster; without it a private Ray is started on this machine and ended
    afterwards. `state` is a folder for what Tune insists on writing, `log` a file for what it prints.
    `cpus` limits the private Ray; `patience` is the silence in seconds after which a trial may count
    as hung, `waiting` the wait for resources after which `say` tells people what is missing, `notice` what
    is left of an attempt after a SIGTERM to its worker, `memory` the device memory that a worker holds,
    `versions` the software that workers must have (default: this process's).
    """

    def drive(sweep: Sweep, workload: Workload, pulse: Pulse) -> None:
        since = time.monotonic()
        say(f"joins Ray at {address}" if address else "a private Ray starts")
        with quiet(log), connected(address, cpus, log, say):
            took = time.monotonic() - since
            say(f"Ray is up after {took:.0f} s; the first worker starts, loads torch and opens the images")
            slots = Slots(resources, price, machines)
            slots.require_room()
            require_sight(getattr(workload, "prove", None))
            tracker = AttemptTracker(sweep, pulse, slots, TuneWorkers(), say, Watch(patience, waiting))
            sweep.meter.hold(slots.held())
            kept = {"memory": memory, "notice_seconds": notice, "versions": versions or versions_here()}
            _tuner(tracker, tune.with_parameters(Worker, workload=workload, **kept), state).fit()
            tracker.cancel()
            sweep.meter.hold(0)

    return drive


def _tuner(tracker: AttemptTracker, worker: Any, state: Path) -> tune.Tuner:
    os.environ |= _TUNE_ENVIRONMENT
    spec, has_gpu = tracker.slots.spec, tracker.slots.has_gpu

    def request(config: dict[str, Any]) -> Any:
        """Tune asks for each trial anew, and uses a worker again for an equal request only."""
        wanted = request_of(spec, json.loads(config["trial"])["config"], has_gpu=has_gpu)
        return resource_dict_to_pg_factory(wanted)

    trainable = tune.with_resources(worker, request)
    return tune.Tuner(
        trainable,
        tune_config=TuneConfig(
            search_alg=SweepSearcher(tracker),
            scheduler=SweepScheduler(tracker),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=RunConfig(
            name=f"launch-{tracker.sweep.history.launches}",
            storage_path=str(state),
            callbacks=[DriverCallback(tracker)],
            stop=CancelStopper(tracker),
            verbose=0,
            failure_config=FailureConfig(max_failures=0),
            checkpoint_config=CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
        ),
    )


_TUNE_ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # CSV, JSON and TensorBoard files double the driver's work
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the command line has its own
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_MAX_PENDING_TRIALS_PG": MOST_PENDING,  # the tracker asks for no more than there is room for
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is never read back
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}
