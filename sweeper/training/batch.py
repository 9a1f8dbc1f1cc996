"""`batch_size: auto`: the largest batch that a device holds, found once for a network and its images."""

import copy
import math
from collections.abc import Callable, Hashable

import torch
from torch import nn
from torch.nn import functional as F

from sweeper.config.sections import TrainSpec
from sweeper.errors import is_out_of_memory
from sweeper.models import Shape
from sweeper.training.device import autocast, compute_dtype
from sweeper.training.optim import build_optimizer

CPU_BATCH = 128  # larger ones train no faster on a CPU, and learn less from each image
_FIRST = 32

_found: dict[Hashable, int] = {}


def even_batches(images: int, batch_size: int) -> tuple[int, int]:
    """Return size and number of an epoch's batches: at most `batch_size`, all of one size, none nearly empty.

    Fewer images than batches are left out, others in each epoch; a short last batch would spoil
    BatchNorm's statistics and a captured graph's shapes.
    """
    steps = math.ceil(images / batch_size)
    size = images // steps
    if size == 1 < min(images, batch_size):  # pairs of an odd number: BatchNorm has no statistics of one
        return batch_size, images // batch_size
    return size, steps


def largest_batch(fits: Callable[[int], bool], limit: int) -> int:
    """Double the size while it fits, up to `limit`; halve it where not even the first fits. At least 1."""
    size = min(_FIRST, limit)
    if not fits(size):
        while size > 1 and not fits(size := size // 2):
            pass
        return size
    while size < limit and fits(min(2 * size, limit)):
        size = min(2 * size, limit)
    return size


def automatic_batch(
    module: nn.Module, train: TrainSpec, *, key: Hashable, shape: Shape, limit: int, device: torch.device
) -> int:
    """Return the batch size for networks that `key` calls equal; 128 on a CPU, and for a head on vectors.

    It tries real updates on a copy, seconds of work for the first trial of its kind in this process.
    """
    if device.type == "cpu" or len(shape) != 3:
        return min(CPU_BATCH, limit)
    known = (key, shape, device, compute_dtype(train, device))
    if known not in _found:
        probe = copy.deepcopy(module)
        optimizer = build_optimizer(probe, train, device)
        dtype = compute_dtype(train, device)
        _found[known] = largest_batch(
            lambda size: _fits(probe, optimizer, size, shape=shape, device=device, dtype=dtype), limit
        )
    return min(_found[known], limit)


def _fits(
    probe: nn.Module,
    optimizer: torch.optim.Optimizer,
    size: int,
    *,
    shape: Shape,
    device: torch.device,
    dtype: torch.dtype,
) -> bool:
    try:
        images = torch.zeros(size, *shape, device=device).to(memory_format=torch.channels_last)
        with autocast(device, dtype):
            logits = probe.train()(images)
        F.cross_entropy(logits.float(), torch.zeros(size, dtype=torch.int64, device=device)).backward()
        optimizer.step()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    else:
        return True
    finally:
        optimizer.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.empty_cache()
