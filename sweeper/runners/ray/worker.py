"""A worker is the process that Ray starts for trials. It runs many attempts and imports torch once."""

import json
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import ray
from ray import tune

from sweeper.runners import Workload
from sweeper.runners.parts.attempt_talk import AttemptTalk
from sweeper.runners.parts.leaks import Leaks, device_memory
from sweeper.runners.parts.notice import NOTICE_SECONDS, Notice
from sweeper.runners.parts.signs_of_life import tell_batches
from sweeper.runners.ray.batch_counts import put_count
from sweeper.trial import Trial


class Worker(tune.Trainable):
    """Says what there is to say of its attempt, as JSON, which Tune passes on unchanged.

    A failure is told like a report; the step after it raises, and Tune replaces the process.
    """

    def setup(
        self,
        config: dict[str, Any],
        workload: Workload | None = None,
        memory: Callable[[], int] | None = None,
        notice_seconds: float | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """Begin the first attempt. Tune calls this in the new process, with the workload."""
        if workload is None:
            raise TypeError("a Worker needs tune.with_parameters(Worker, workload=...)")
        _hide_gpus_that_are_not_ours()
        leaks = Leaks(memory or device_memory, getattr(workload, "forget", lambda: None))
        notice = Notice(notice_seconds or NOTICE_SECONDS)
        notice.listen()
        tell_batches(put_count())
        self._talk = AttemptTalk(workload, worker_device, versions or {}, leaks, notice)
        self._talk.begin(_trial(config))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another attempt in this process. Tune loses what is refused here: `unfit` refuses later."""
        self._talk.begin(_trial(new_config))
        return True

    def step(self) -> dict[str, Any]:
        """Return the next thing that the attempt has to say."""
        said = self._talk.next()
        return {"said": json.dumps(said), "done": "done" in said}

    def cleanup(self) -> None:
        """Let the attempt's generator close what it holds, because it was stopped."""
        self._talk.end()


def _trial(config: Mapping[str, Any]) -> Trial:
    return Trial(**json.loads(config["trial"]))


def worker_device() -> dict[str, Any]:
    """Return what a worker holds: node and labels, accelerator type as Ray names it (`H100`), GPU indices."""
    context = ray.get_runtime_context()
    gpus = context.get_accelerator_ids().get("GPU", [])
    types = [
        name.partition(":")[2] for name in ray.cluster_resources() if name.startswith("accelerator_type:")
    ]
    device = types[0] if gpus and len(types) == 1 else "gpu" if gpus else "cpu"
    return {
        "node": socket.gethostname(),
        "node_id": context.get_node_id(),
        "pid": os.getpid(),
        "labels": {name: values[0] for name, values in context.get_node_labels().items() if values},
        "device": device,
        "gpus": gpus,
    }


def _hide_gpus_that_are_not_ours() -> None:
    """Hide all GPUs from a worker that asked for none: Ray leaves them visible, and it would train on one."""
    if not ray.get_runtime_context().get_accelerator_ids().get("GPU"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
