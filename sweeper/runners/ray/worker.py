"""A worker is the process that Ray starts for trials. It runs many attempts and imports torch once."""

import json
import os
import socket
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict
from typing import Any

import ray
from ray import tune

from sweeper.runners import Workload
from sweeper.runners.parts.run_attempt import failure_caught
from sweeper.runners.ray.energy import EnergyMeter
from sweeper.runners.ray.leaks import Leaks, device_memory
from sweeper.runners.ray.notice import NOTICE_SECONDS, Notice, told_to_leave
from sweeper.runners.ray.versions import refuse_skew, versions_here
from sweeper.trial import Trial

DONE: dict[str, Any] = {"done": True}


class Worker(tune.Trainable):
    """Says what there is to say of its attempt, as JSON, which Tune passes on unchanged.

    First the device, or that this worker is unfit for another attempt; then reports; last that it is
    done. A failure is told like a report; the step after it raises, and Tune replaces the process.
    """

    def setup(
        self,
        config: dict[str, Any],
        workload: Workload | None = None,
        memory: Callable[[], int] = device_memory,
        notice_seconds: float = NOTICE_SECONDS,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """Begin the first attempt. Tune calls this in the new process, with the workload."""
        if workload is None:
            raise TypeError("a Worker needs tune.with_parameters(Worker, workload=...)")
        _hide_gpus_that_are_not_ours()
        self._workload = workload
        self._versions = versions or {}
        self._leaks = Leaks(memory, getattr(workload, "forget", lambda: None))
        self._notice = Notice(notice_seconds)
        self._notice.listen()
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another attempt in this process. Tune loses what is refused here: `unfit` refuses later."""
        self._end()
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """The next thing that the attempt has to say."""
        if self._failed:
            raise RuntimeError("the attempt failed: this worker is to be replaced")
        with self._notice.training():
            said = next(self._items)
        self._failed = "failure" in said
        return {"said": json.dumps(said), "done": "done" in said}

    def cleanup(self) -> None:
        """The attempt was stopped: let its generator close what it holds."""
        self._end()

    def _begin(self, config: dict[str, Any]) -> None:
        self._failed = False
        self._notice.has_attempt = True
        self._items = self._say(Trial(**json.loads(config["trial"])))

    def _end(self) -> None:
        self._items.close()
        self._notice.has_attempt = False

    def _say(self, trial: Trial) -> Generator[dict[str, Any]]:
        unfit = "it was told to end" if self._notice.is_given else self._leaks.found()
        if unfit:
            yield {"unfit": unfit}
            return
        device = worker_device()
        energy = EnergyMeter.of(device["gpus"])
        yield {"device": device | {"gpu_uuids": energy.uuids if energy else ()}}
        with failure_caught() as failures:
            refuse_skew(self._versions, versions_here(), socket.gethostname())
            for report in self._workload(trial):
                yield {"report": asdict(report)} | _drawn(energy)
                if self._notice.is_given:
                    raise told_to_leave()
        for outcome in failures:
            yield {"failure": asdict(outcome)} | _drawn(energy)
            return
        yield DONE | _drawn(energy)


def _drawn(energy: EnergyMeter | None) -> dict[str, Any]:
    return {"joules": energy.joules() if energy else None}


def worker_device() -> dict[str, Any]:
    """What a worker holds: node and its labels, accelerator type as Ray names it (`H100`), GPU indices."""
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
    """Ray leaves all GPUs visible to a worker that asked for none; it would train on one and bill a CPU."""
    if not ray.get_runtime_context().get_accelerator_ids().get("GPU"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
