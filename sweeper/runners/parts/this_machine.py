"""This machine as a place for trials: its cores, its memory, and the GPUs that this process may use."""

import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import psutil
import torch

from sweeper.runners.parts.slots import Machine
from sweeper.training.device import default_device, device_name

HERE = "here"


def this_machine(cpus: int | None = None, gpus: Sequence[str] | None = None) -> Machine:
    """What a private Ray would count too, or the part of it that is used: so many cores, and these GPUs."""
    resources = {
        "CPU": float(cpus or usable_cpus()),
        "GPU": float(len(visible_gpus() if gpus is None else gpus)),
        "memory": float(psutil.virtual_memory().available),
    }
    return Machine(HERE, socket.gethostname(), resources)


def device_facts() -> Mapping[str, Any]:
    """What a worker here holds, as Ray's workers say it."""
    name = device_name(default_device()) or "cpu"
    return {"node": socket.gethostname(), "node_id": HERE, "labels": {}, "device": name}


def usable_cpus() -> int:
    """The cores that this process may use, which a container can limit."""
    return len(os.sched_getaffinity(0))


def visible_gpus(count: int | None = None) -> tuple[str, ...]:
    """The GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them; none is initialized.

    `count` is how many CUDA finds; it is asked where nobody says.
    """
    count = torch.cuda.device_count() if count is None else count
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in named.split(",")] if named else [str(place) for place in range(count)]
    return tuple(names[:count])
