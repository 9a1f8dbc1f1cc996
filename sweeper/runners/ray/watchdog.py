"""This module asks Ray about workers: why one was lost, how to end one, what a waiting trial lacks."""

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import ray
from ray import cloudpickle
from ray.exceptions import ActorDiedError
from ray.tune.experiment import Trial as TuneTrial
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweeper.errors import FailureKind
from sweeper.runners.ray.batch_counts import count_of


class TuneWorkers:
    """The workers that Tune has given to trials."""

    def kill(self, handle: TuneTrial, said: Mapping[str, Any]) -> None:
        """End the trial's process; Tune then reports it as lost. `said` is what the worker said of itself."""
        actor = handle.temporary_state.ray_actor
        if actor is not None:
            ray.kill(actor)
        if "pid" in said:
            end_process(said["node_id"], said["pid"])

    def sign(self, handle: TuneTrial, said: Mapping[str, Any]) -> object:
        """How many batches the trial's worker has gone through; None where it said nothing of them."""
        return count_of(said)

    def lacking(self, request: Mapping[str, float]) -> str:
        """Say which resource a waiting trial lacks at this moment."""
        free = ray.available_resources()
        lacking = [
            f"{name} (needs {amount:g}, {free.get(name, 0):g} free)"
            for name, amount in request.items()
            if free.get(name, 0) < amount
        ]
        return ", ".join(lacking) or "nothing that Ray counts"


def error_of(trial: TuneTrial) -> Exception | None:
    """Return what Tune recorded of the attempt's failure; None where it could not record it (disk full).

    `trial.get_pickled_error` looks where Tune copies it to when it saves its state, which here is never.
    """
    path = trial.pickled_error_file
    try:
        return cloudpickle.loads(Path(path).read_bytes()) if path else None
    except (OSError, EOFError, UnpicklingError):
        return None


def kind_of_loss(error: Exception | None) -> FailureKind:
    """Return the kind of failure that a lost worker counts as."""
    if getattr(error, "preempted", False):
        return FailureKind.PREEMPTED
    is_node = isinstance(error, ActorDiedError) and "its node has died" in str(error)
    return FailureKind.NODE_LOST if is_node else FailureKind.WORKER_LOST


def end_process(node: str, pid: int) -> None:
    """Send SIGKILL to a worker, wherever it is.

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
    """Say in one line what took the worker: Ray says first that the actor died, then which, then why."""
    lines = [line for line in str(error or "").splitlines() if line.strip() and not line.startswith("\t")]
    return (lines[1] if len(lines) > 1 else lines[0] if lines else "the worker ended").strip()[:300]
