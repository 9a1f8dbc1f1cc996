"""How many trials train as one, and which: `resources.fuse` held against the space and the device."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from sweeper.config.spec import SweepSpec
from sweeper.errors import SpecError
from sweeper.training.device import default_device
from sweeper.training.pack_kind import kind_of
from sweeper.trial import Config

LOOKED_AT = 24
"""Configurations of which the plan says how many could train as one."""
MOST = 8
"""What `auto` takes where memory has room for more: the size that is to be measured first on a GPU."""
PART = 0.5
"""The part of a trial's memory that the steps of a pack may take: they are foreseen without workspace."""
ON_CPU = (
    "auto is off on a CPU, where packs of four took 0.9 to 3.5 times as long as one trial after the other"
)


@dataclass(frozen=True, slots=True)
class Packing:
    """How many trials train as one at most, 1 for none, and what a plan says of it, a line each."""

    size: int = 1
    lines: tuple[str, ...] = ()


def gpu_memory(spec: SweepSpec) -> int | None:
    """Return the bytes that a trial may fill on this machine's GPU; None where trials run on CPUs."""
    device = default_device()
    if device.type != "cuda" or not spec.resources.gpu:
        return None
    return int(torch.cuda.get_device_properties(device).total_memory * min(1.0, spec.resources.gpu))


def packing(
    spec: SweepSpec, configs: Sequence[Config], step: Callable[[Config], int], memory: int | None = None
) -> Packing:
    """Choose the size, and look which of the configurations share a kind.

    `step` foresees the bytes of a training step, `memory` are those that there are, None on a CPU. SpecError
    where a number is given and every one of them must train alone.
    """
    fuse, configs = spec.resources.fuse, configs[:LOOKED_AT]
    if fuse in ("off", 1) or not configs:
        return Packing()
    if fuse == "auto" and memory is None:
        return Packing(1, (ON_CPU,))
    kinds = [kind_of(config, spec.train, spec.resources) for config in configs]
    reasons = Counter(kind.alone for kind in kinds if kind.alone)
    if reasons.total() == len(configs):
        return _none(spec, " or ".join(reasons))
    dearest = max(step(config) for config, kind in zip(configs, kinds, strict=True) if kind.name)
    size, line = _size(spec, dearest, memory)
    names = Counter(kind.name for kind in kinds if kind.name)
    return Packing(size, (line, *_shared(len(configs), names, reasons)))


def _none(spec: SweepSpec, why: str) -> Packing:
    """Nothing can be fused: a number is a mistake then, `auto` is off."""
    if spec.resources.fuse == "auto":
        return Packing(1, (f"auto is off: every trial trains alone ({why})",))
    raise SpecError(
        f"resources.fuse: found {spec.resources.fuse}, but every trial trains alone ({why})",
        where=spec.where("resources.fuse"),
        hint="write `fuse: off`, or change what keeps trials apart",
        path="resources.fuse",
    )


def _size(spec: SweepSpec, step: int, memory: int | None) -> tuple[int, str]:
    wanted = MOST if spec.resources.fuse == "auto" else spec.resources.fused
    if memory is None:
        return wanted, f"up to {wanted} trials of one kind train as one"
    room = max(1, int(PART * memory / max(1, step)))
    held = f"a step of the dearest network takes {step / 1e9:.2g} GB of {memory / 1e9:.3g} GB"
    if room == 1:
        return 1, f"every trial trains alone: {held}, of which two would take more than half"
    if room < wanted:
        return room, f"up to {room} trials of one kind train as one: {held}, half of which is used"
    chosen = "auto, at most" if spec.resources.fuse == "auto" else "the file's number"
    return wanted, f"up to {wanted} trials of one kind train as one ({chosen}): {held}"


def _shared(looked_at: int, names: Counter[str], reasons: Counter[str]) -> Iterator[str]:
    """Say how many find others of their kind, and what keeps the rest alone."""
    shared = [count for count in names.values() if count > 1]
    if shared:
        yield (
            f"of {looked_at} drawn configurations {sum(shared)} share their kind with another, "
            f"at most {max(shared)} of them the same"
        )
    else:
        yield (
            f"no two of {looked_at} drawn configurations share network, pixels, batch size, precision, "
            "normalization and resources: hardly any will train as one"
        )
    for why, count in reasons.items():
        yield f"{count} of {looked_at} train alone: {why}"
