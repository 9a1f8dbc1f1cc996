"""`batch_size: auto`: the smallest batch that keeps a device busy, and its learning rate."""

import copy
import hashlib
import json
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from filelock import FileLock
from torch import nn
from torch.nn import functional as F

from sweeper.config.sections import TrainSpec
from sweeper.data.batches import Data
from sweeper.data.pieces import Pieces, free
from sweeper.errors import is_out_of_memory
from sweeper.files import write_atomically
from sweeper.training.device import autocast, compute_dtype, device_name
from sweeper.training.optim import build_optimizer
from sweeper.training.recipe import Recipe
from sweeper.training.validation import evaluation_batch
from sweeper.trial import canonical

LEAST_UPDATES = 40  # of an epoch
REFERENCE = 128
"""The batch for which a file with `batch_size: auto` gives its learning rate; also what a CPU takes."""

_FEWEST = 4  # images of which BatchNorm's statistics say something
_FIRST = 32
_ENOUGH = 0.9  # of the device's throughput
_FLAT = 1.05  # twice less than this gained by a doubling ends the search
_WARM_UP, _TIMED = 2, 5
_TYPICAL_ON_GPU = 256  # what a plan takes it for where no trial has measured it yet

Throughput = Callable[[int], float | None]
"""Images a second at a batch size; None where training or evaluation does not fit."""

_log = logging.getLogger(__name__)


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


def most_images(images: int) -> int:
    """Return the largest batch that leaves an epoch 40 updates; 4 images where the split is too small."""
    return max(images // LEAST_UPDATES, min(_FEWEST, images // 2), 1)


def rate_factor(train: TrainSpec, batch: int) -> float:
    """Return what the rate for 128 images is multiplied by for a batch of so many.

    SGD: in proportion (Goyal et al. 2017). Adam, AdamW, RMSprop: by the square root (Malladi et al. 2022);
    Muon too, whose updates have the size of AdamW's whatever the gradients (arXiv:2502.16982).
    """
    ratio = batch / REFERENCE
    return ratio if train.optimizer == "sgd" else math.sqrt(ratio)


def rate_text(train: TrainSpec, batch: int) -> str:
    """Say in a line which batch was taken and what becomes of the rate."""
    rule = "in proportion to" if train.optimizer == "sgd" else "by the square root of"
    factor = rate_factor(train, batch)
    return f"batch_size: auto is {batch} images; learning rate x {factor:.3g} ({rule} {batch}/{REFERENCE})"


def fastest_batch(throughput: Throughput, limit: int) -> int:
    """Return the smallest of doubling sizes that reaches nine tenths of the best throughput; at least 1.

    No size beyond `limit` is tried, and none after two doublings that gain less than a twentieth each.
    """
    size = min(_FIRST, limit)
    while (rate := throughput(size)) is None:
        if size == 1:
            return 1
        size, limit = size // 2, size // 2
    rates, flat = {size: rate}, 0
    while size < limit and flat < 2:
        size = min(2 * size, limit)
        rate = throughput(size)
        if rate is None:
            break
        flat = 0 if rate > _FLAT * max(rates.values()) else flat + 1
        rates[size] = rate
    return min(size for size, rate in rates.items() if rate >= _ENOUGH * max(rates.values()))


def batch_and_rate(
    module: nn.Module,
    recipe: Recipe,
    dataset: Data,
    device: torch.device,
    *,
    earlier: tuple[int, float | None] | None = None,
    cache: Path | None = None,
    throughput: Throughput | None = None,
) -> tuple[int, TrainSpec]:
    """Return the file's batch; for `auto` the one that fits the device, with the rate scaled, and say so.

    What an `earlier` attempt found stays, with its rate; before 0.2 that was the file's.
    """
    train = recipe.train
    if train.batch_size != "auto":
        return train.batch_size, train
    if earlier is not None:
        batch, rate = earlier
        return batch, train.model_copy(update={"learning_rate": rate or train.learning_rate})
    batch = automatic_batch(
        module,
        recipe,
        shape=dataset.shape,
        classes=len(dataset.classes),
        images=dataset.size("train"),
        device=device,
        cache=cache,
        throughput=throughput,
    )
    _log.warning("%s", rate_text(train, batch))
    return batch, train.model_copy(update={"learning_rate": train.learning_rate * rate_factor(train, batch)})


def automatic_batch(
    module: nn.Module,
    recipe: Recipe,
    *,
    shape: tuple[int, ...],
    classes: int,
    images: int,
    device: torch.device,
    cache: Path | None = None,
    throughput: Throughput | None = None,
) -> int:
    """Return the batch for so many images: measured on a GPU, 128 on a CPU and for a head on vectors.

    At least 40 updates an epoch are left. Measuring trains and evaluates a copy for some seconds; the result
    is kept in the cache, so that all trials of a kind on such a device take the same.
    """
    limit = most_images(images)
    if throughput is None and (device.type == "cpu" or len(shape) != 3):
        return min(REFERENCE, limit)
    path = _kept(cache, recipe, shape, classes, limit, device)
    if path is None:
        return fastest_batch(throughput or measured(module, recipe.train, shape=shape, device=device), limit)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        found = _read(path)
        if found is None:
            found = fastest_batch(
                throughput or measured(module, recipe.train, shape=shape, device=device), limit
            )
            write_atomically(path, json.dumps({"batch_size": found}))
    return found


def planned_batch(
    recipe: Recipe,
    *,
    shape: tuple[int, ...],
    classes: int,
    images: int,
    device: torch.device,
    cache: Path | None = None,
) -> int:
    """Return what `automatic_batch` would, unmeasured: where no trial has on such a GPU, 256 at most."""
    limit = most_images(images)
    if device.type == "cpu" or len(shape) != 3:
        return min(REFERENCE, limit)
    path = _kept(cache, recipe, shape, classes, limit, device)
    return (_read(path) if path else None) or min(_TYPICAL_ON_GPU, limit)


def measured(
    module: nn.Module,
    train: TrainSpec,
    *,
    shape: tuple[int, ...],
    device: torch.device,
    clock: Callable[[], float] = time.perf_counter,
) -> Throughput:
    """Return a function that trains a copy on batches of a size, and evaluates it beside its optimizer."""
    probe = copy.deepcopy(module)
    optimizer = build_optimizer(probe, train, device)
    dtype = compute_dtype(train, device)

    def update(size: int) -> None:
        images = torch.zeros(size, *shape, device=device).to(memory_format=torch.channels_last)
        with autocast(device, dtype):
            logits = probe.train()(images)
        F.cross_entropy(logits.float(), torch.zeros(size, dtype=torch.int64, device=device)).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def throughput(size: int) -> float | None:
        try:
            for _ in range(_WARM_UP):
                update(size)
            _wait(device)
            began = clock()
            for _ in range(_TIMED):
                update(size)
            _wait(device)
            seconds = clock() - began
            with torch.inference_mode(), autocast(device, dtype):
                Pieces()(probe.eval(), torch.zeros(evaluation_batch(shape, device), *shape, device=device))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None
        else:
            return _TIMED * size / max(seconds, 1e-9)
        finally:
            optimizer.zero_grad(set_to_none=True)
            free(device)

    return throughput


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _kept(
    cache: Path | None,
    recipe: Recipe,
    shape: tuple[int, ...],
    classes: int,
    limit: int,
    device: torch.device,
) -> Path | None:
    """Where the batch of such trials on such a device is kept."""
    if cache is None:
        return None
    parts = {
        "network": [recipe.architecture, dict(recipe.model_options), classes, list(shape)],
        "optimizer": recipe.train.optimizer,
        "limit": limit,
        "device": [device_name(device), str(compute_dtype(recipe.train, device))],
    }
    digest = hashlib.blake2b(canonical(parts).encode(), digest_size=12).hexdigest()
    return cache / "batches" / f"{digest}.json"


def _read(path: Path) -> int | None:
    """None where it was not measured, or the file is damaged: then it is measured again."""
    try:
        found = json.loads(path.read_text())["batch_size"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        _log.warning("%s is damaged; the batch is measured again", path)
        return None
    return found if isinstance(found, int) and found > 0 else None
