"""This runner trains one trial at a time, in a process of its own on this machine: isolated, without Ray."""

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sweeper.config.resources import ResourcesSpec
from sweeper.runners import Pulse, Runner, Workload, runner
from sweeper.runners.parts.attempt_tracker import AttemptTracker
from sweeper.runners.parts.slots import Price, Slots
from sweeper.runners.parts.this_machine import device_facts, this_machine, visible_gpus
from sweeper.runners.parts.versions import versions_here
from sweeper.runners.parts.watch import PATIENCE_SECONDS, Watch
from sweeper.runners.parts.worker_main import Order, Setup
from sweeper.runners.parts.worker_process import WorkerLost, WorkerProcess
from sweeper.sweep.sweep import Sweep

POLL_SECONDS = 0.1


@runner("subprocess")
def subprocess(
    *,
    resources: ResourcesSpec,
    log: Path,
    cpus: Annotated[int, Field(ge=1)] | None = None,
    gpus: Sequence[str] | None = None,
    price: Price | None = None,
    patience: Annotated[float, Field(gt=0)] = PATIENCE_SECONDS,
    notice: Annotated[float, Field(gt=0)] | None = None,
    memory: Callable[[], int] | None = None,
    versions: Mapping[str, str] | None = None,
    worker: WorkerProcess | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Runner:
    """Runs trials one after the other in one worker, which is replaced where it breaks or hangs.

    The options are those of `ray_tune`; `gpus` are the devices to use, as `CUDA_VISIBLE_DEVICES` names them
    (default: what this process may use), of which a trial sees as many as it asks for. `worker` is used where
    it is given, and left running at the end; without it a process is started, and ended.
    """

    def drive(sweep: Sweep, workload: Workload, pulse: Pulse) -> None:
        one = resources.model_copy(update={"concurrency": 1})
        most = math.ceil(max(variant.gpu for variant in one.variants))
        used = (visible_gpus() if gpus is None else gpus)[:most]
        here = this_machine(cpus, used)
        slots = Slots(one, price, lambda: [here])
        slots.require_room()
        process = worker or WorkerProcess()
        setup = Setup(log, workload, device_facts(), memory, notice, versions or versions_here())
        tracker = AttemptTracker(sweep, pulse, slots, _Killer(), say, Watch(patience))
        try:
            _Attempts(tracker, process, setup, used).run_all()
        finally:
            if worker is None:
                process.kill()
        tracker.cancel()
        sweep.meter.hold(0)

    return drive


class _Killer:
    """Ends the process of an attempt. No attempt ever waits for a process."""

    def kill(self, handle: WorkerProcess, said: Mapping[str, Any]) -> None:
        handle.kill()

    def sign(self, handle: WorkerProcess, said: Mapping[str, Any]) -> object:
        return handle.batches

    def lacking(self, request: Mapping[str, float]) -> str:
        return "nothing"


@dataclass(frozen=True)
class _Attempts:
    """Runs one attempt after the other."""

    tracker: AttemptTracker
    process: WorkerProcess
    setup: Setup
    gpus: Sequence[str]

    def run_all(self) -> None:
        """Run until the sweep has nothing more to give, or was cancelled."""
        sweep = self.tracker.sweep
        for number in itertools.count():
            self.tracker.tick()
            if self.tracker.is_cancelled:
                return
            trial = self.tracker.ask(str(number))
            if trial is not None:
                self._run(str(number), trial, self._gpus(trial.config))
            elif sweep.is_done or not sweep.held:
                return
            else:
                time.sleep(POLL_SECONDS)

    def _run(self, key: str, trial: object, gpus: Sequence[str]) -> None:
        self.tracker.started(key, self.process)
        try:
            self.process.prepare(gpus, self.setup)
            self.process.send(trial)
            while self.tracker.holds(key):
                said = self.process.heard(POLL_SECONDS)
                if said is not None:
                    self._answer(key, said)
                self.tracker.tick()
        except WorkerLost as error:
            self.process.kill()
            self.tracker.lost(key, error.failure_kind, str(error))

    def _answer(self, key: str, said: dict[str, Any]) -> None:
        """Pass on what the worker said, and tell it what comes next."""
        self.tracker.result(key, said)
        if "failure" in said:
            self.process.kill()
        elif self.process.is_alive:
            self.process.send(Order.NEXT if self.tracker.holds(key) else Order.END)

    def _gpus(self, config: Mapping[str, Any]) -> Sequence[str]:
        """Return whole devices, of which the trial may hold a fraction."""
        count = self.tracker.slots.request(config).get("GPU", 0.0)
        return self.gpus[: math.ceil(count)]
