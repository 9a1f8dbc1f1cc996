"""This module chooses the runner where the options name none: Ray only if several trials run at a time.

Trials that train as one share a device and a process, so a file that asks for them gets no Ray on a machine
of one device.
"""

import os
from collections.abc import Mapping
from dataclasses import replace

from sweeper.config.run_options import RunOptions
from sweeper.config.spec import SweepSpec
from sweeper.runners.parts.slots import Slots
from sweeper.runners.parts.this_machine import this_machine, visible_gpus
from sweeper.training.device import has_mps

WORDS = {
    "local": "trials run in this process, {at_a_time}",
    "subprocess": "trials run in one process of their own, {at_a_time}, without Ray",
    "ray_tune": "trials run on {where}, as many at a time as it has room for",
}


def with_runner(spec: SweepSpec, options: RunOptions) -> RunOptions:
    """Return the same options with a runner: the one that they name, or the one that fits."""
    if options.runner:
        return options
    here = this_machine(options.cpus)
    has_one_slot = spec.budget.trials == 1 or Slots(spec.resources, read=lambda: [here]).is_single
    has_packs = spec.resources.fused > 1 and here.resources["GPU"] <= 1
    is_alone = options.address is None and (has_one_slot or has_packs)
    return replace(options, runner="subprocess" if is_alone else "ray_tune")


def runner_text(options: RunOptions, fuse: int = 1) -> str:
    """Say in a line who runs the trials, and how many of them train as one; empty where none is trained."""
    where = f"the Ray cluster at {options.address}" if options.address else "a private Ray on this machine"
    at_a_time = f"up to {fuse} of one kind as one" if fuse > 1 else "one at a time"
    words = WORDS.get(options.runner, "").format(where=where, at_a_time=at_a_time)
    return words and f"{words} (--runner {options.runner})"


def sharing_text(
    spec: SweepSpec, options: RunOptions, gpus: int | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """Say what trials that share a GPU of this machine lose where MPS does not run; else empty."""
    shared = any(0 < each.gpu <= 1 / 2 for each in spec.resources.variants)
    if not shared or options.address or options.runner != "ray_tune":
        return ""
    if not (len(visible_gpus()) if gpus is None else gpus) or has_mps(environment):
        return ""
    return (
        "trials share a GPU without NVIDIA MPS, so their kernels take turns: "
        "`nvidia-cuda-mps-control -d` starts it (docs/training.md)"
    )
