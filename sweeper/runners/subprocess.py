"""This runner trains one trial at a time, in a process of its own on this machine: isolated, without Ray."""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sweeper.config.resources import ResourcesSpec
from sweeper.runners import Pulse, Runner, Workload, runner
from sweeper.runners.parts.attempt_tracker import AttemptTracker
from sweeper.runners.parts.pack import FusibleWorkload, Said
from sweeper.runners.parts.pack_talk import Join, Leave, Round, RoundAnswer
from sweeper.runners.parts.packs import Packs
from sweeper.runners.parts.slots import Price, Slots
from sweeper.runners.parts.this_machine import device_facts, this_machine, visible_gpus
from sweeper.runners.parts.versions import versions_here
from sweeper.runners.parts.watch import PATIENCE_SECONDS, Watch
from sweeper.runners.parts.worker_main import Order, Setup
from sweeper.runners.parts.worker_process import WorkerLost, WorkerProcess
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Config, Trial

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
    fuse: Annotated[int, Field(ge=1)] = 1,
    say: Callable[[str], None] = lambda text: None,
) -> Runner:
    """Runs trials one after the other, or up to `fuse` as one, in a worker that is replaced where it breaks.

    The options are those of `ray_tune`; `gpus` are the devices to use, as `CUDA_VISIBLE_DEVICES` names them
    (default: what this process may use), of which a trial sees as many as it asks for. `worker` is used where
    it is given, and left running at the end; without it a process is started, and ended.
    """

    def drive(sweep: Sweep, workload: Workload, pulse: Pulse) -> None:
        one = resources.model_copy(update={"concurrency": 1})
        most = math.ceil(max(variant.gpu for variant in one.variants))
        used = (visible_gpus() if gpus is None else gpus)[:most]
        here = this_machine(cpus, used)
        packed = fuse if isinstance(workload, FusibleWorkload) else 1
        slots = Slots(one, price, lambda: [here], packed)
        slots.require_room()
        process = worker or WorkerProcess()
        software = versions or versions_here()
        setup = Setup(log, workload, device_facts(), memory, notice, software, has_packs=packed > 1)
        tracker = AttemptTracker(sweep, pulse, slots, _Killer(), say, Watch(patience))
        say("the worker loads torch" if process.is_alive else "a worker starts and loads torch")
        try:
            if packed > 1 and isinstance(workload, FusibleWorkload):
                host = _PackHost(tracker, process, setup, used)
                Packs(sweep, workload, tracker, host, packed, say).drive()
            else:
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
        return _devices(self.tracker, self.gpus, config)


def _devices(tracker: AttemptTracker, gpus: Sequence[str], config: Config) -> Sequence[str]:
    """Return whole devices, of which the trial may hold a fraction."""
    return gpus[: math.ceil(tracker.slots.request(config).get("GPU", 0.0))]


@dataclass
class _PackHost:
    """The worker process, in which a pack trains. With the process all its members are lost."""

    tracker: AttemptTracker
    process: WorkerProcess
    setup: Setup
    gpus: Sequence[str]
    _members: set[str] = field(default_factory=set[str])
    _is_broken: bool = False

    def join(self, key: str, trial: Trial, places: int) -> None:
        """Begin an attempt; in a new process where the last pack was left by one that failed."""
        self.tracker.started(key, self.process, places)
        with self._losing_all():
            is_first = not self._members
            self._members.add(key)
            if is_first and self._is_broken:
                self.process.kill()
                self._is_broken = False
            if is_first:
                self.process.prepare(_devices(self.tracker, self.gpus, trial.config), self.setup)
            self.process.send(Join(key, trial))
            for said in self._heard() or ():
                self.tracker.result(key, said)
        self._forget_ended()

    def round(self) -> Sequence[Said]:
        """Train an epoch of each; nothing is said where the process or the sweep ended meanwhile."""
        with self._losing_all():
            self.process.send(Round())
            answer: RoundAnswer | None = self._heard()
            if answer is not None:
                self.tracker.divide(answer.seconds)
                self._is_broken |= any("failure" in said for _, said in answer.said)
                return answer.said
        return ()

    def leave(self, key: str) -> None:
        self._members.discard(key)
        with self._losing_all():
            self.process.send(Leave(key))

    def _heard(self) -> Any:
        """Wait for the process and do the driver's work meanwhile; None where no attempt is left."""
        while any(map(self.tracker.holds, self._members)):
            said = self.process.heard(POLL_SECONDS)
            if said is not None:
                return said
            self.tracker.tick()
        return None

    @contextlib.contextmanager
    def _losing_all(self) -> Generator[None]:
        try:
            yield
        except WorkerLost as error:
            self.process.kill()
            for key in self._members:
                self.tracker.lost(key, error.failure_kind, str(error))
            self._members.clear()

    def _forget_ended(self) -> None:
        self._members = set(filter(self.tracker.holds, self._members))
