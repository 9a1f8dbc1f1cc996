"""The watchdog finds what fails without an exception: hung trials, lost workers, trials that cannot start."""

import contextlib
import os
import signal
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import ray
from ray import cloudpickle
from ray.exceptions import ActorDiedError
from ray.tune.experiment import Trial as TuneTrial
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweeper.errors import FailureKind
from sweeper.store.history import SweepHistory

PATIENCE_SECONDS = 300.0
UNKNOWN_PATIENCE_SECONDS = 3600.0
WAITING_SECONDS = 60.0


@dataclass
class Watch:
    """When each attempt was assigned and last gave a sign of life, on the monotonic clock.

    The watchdog counts from assignment. An attempt is hung after five median epochs without a sign,
    but not before `patience` seconds; while no epoch of any trial is known, after an hour.
    """

    patience: float = PATIENCE_SECONDS
    waiting_seconds: float = WAITING_SECONDS
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, float] = field(default_factory=dict[str, float])
    _trials: dict[str, TuneTrial] = field(default_factory=dict[str, TuneTrial])
    _waiting: dict[str, float] = field(default_factory=dict[str, float])

    def asked(self, tune_id: str) -> None:
        """The attempt waits for its resources."""
        self._waiting[tune_id] = self.clock()

    def started(self, tune_id: str, trial: TuneTrial) -> None:
        """The attempt has its worker."""
        self._waiting.pop(tune_id, None)
        self._trials[tune_id] = trial
        self._seen[tune_id] = self.clock()

    def alive(self, tune_id: str) -> None:
        """A sign of life."""
        if tune_id in self._seen:
            self._seen[tune_id] = self.clock()

    def ended(self, tune_id: str) -> None:
        """Nothing more is expected of it."""
        for held in (self._waiting, self._trials, self._seen):
            held.pop(tune_id, None)

    def hung(self, history: SweepHistory) -> list[str]:
        """The attempts that have been silent for too long."""
        limit, now = self._limit(history), self.clock()
        return [tune_id for tune_id, seen in self._seen.items() if now - seen > limit]

    def kill(self, tune_id: str, worker: Mapping[str, Any]) -> None:
        """End the attempt's process; Tune then reports it as lost. `worker` is what it said of itself."""
        trial = self._trials.pop(tune_id, None)
        self._seen.pop(tune_id, None)
        actor = trial.temporary_state.ray_actor if trial else None
        if actor is not None:
            ray.kill(actor)
        if "pid" in worker:
            end_process(worker["node_id"], worker["pid"])

    def longest_wait(self) -> tuple[str, float]:
        """The attempt that has waited longest for resources, and for how many seconds; 0 where none waits."""
        waits = ((tune_id, self.clock() - since) for tune_id, since in self._waiting.items())
        return max(waits, key=lambda wait: wait[1], default=("", 0.0))

    def _limit(self, history: SweepHistory) -> float:
        if self.patience < PATIENCE_SECONDS:
            return self.patience
        epochs = [
            trial.last.device_seconds / trial.last.epoch / trial.attempts[-1].share
            for trial in history.trials.values()
            if trial.last and trial.last.epoch and trial.attempts
        ]
        return max(self.patience, 5 * statistics.median(epochs)) if epochs else UNKNOWN_PATIENCE_SECONDS


def error_of(trial: TuneTrial) -> Exception | None:
    """What Tune wrote down of the attempt's failure; None where it could not even write that (disk full).

    `trial.get_pickled_error` looks where Tune copies it to when it saves its state, which here is never.
    """
    path = trial.pickled_error_file
    try:
        return cloudpickle.loads(Path(path).read_bytes()) if path else None
    except (OSError, EOFError, UnpicklingError):
        return None


def kind_of_loss(error: Exception | None) -> FailureKind:
    """Which failure budget a lost worker draws on."""
    if getattr(error, "preempted", False):
        return FailureKind.PREEMPTED
    is_node = isinstance(error, ActorDiedError) and "its node has died" in str(error)
    return FailureKind.NODE_LOST if is_node else FailureKind.WORKER_LOST


def end_process(node: str, pid: int) -> None:
    """SIGKILL for a worker, wherever it is.

    `ray.kill` asks the process itself, which a stopped one never hears: its GPU would stay taken.
    """
    if node == ray.get_runtime_context().get_node_id():
        _kill(pid)
    else:
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        ray.remote(_kill).options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(pid)


def _kill(pid: int) -> None:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if command.startswith(b"ray::"):  # the number may be another's by now
            os.kill(pid, signal.SIGKILL)


def reason_of(error: Exception | None) -> str:
    """What took the worker, in one line: Ray says first that the actor died, then which, then why."""
    lines = [line for line in str(error or "").splitlines() if line.strip() and not line.startswith("\t")]
    return (lines[1] if len(lines) > 1 else lines[0] if lines else "the worker ended").strip()[:300]


def missing(request: Mapping[str, Any]) -> str:
    """Which resource a waiting trial lacks at this moment, in words."""
    free = ray.available_resources()
    lacking = [
        f"{name} (needs {amount:g}, {free.get(name, 0):g} free)"
        for name, amount in request.items()
        if free.get(name, 0) < amount
    ]
    return ", ".join(lacking) or "nothing that Ray counts"
