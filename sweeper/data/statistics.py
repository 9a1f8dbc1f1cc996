"""Fits the numbers of a normalization once for a store and a split, and keeps them beside the store."""

import functools
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from sweeper.data.batches import Rows
from sweeper.data.normalize import Fitted, Transform, normalization
from sweeper.data.normalize.parts.full_precision import full_precision, in_full_precision
from sweeper.data.pieces import Pieces
from sweeper.errors import DataError
from sweeper.files import creating_folder, remove_leftovers
from sweeper.trial import canonical

_VERSION = 1


class TrainingRows:
    """The training split as a normalization reads it."""

    def __init__(self, rows: Rows) -> None:
        _, height, width, channels = rows.images.shape
        self.count = len(rows.rows)
        self.shape = (channels, height, width)
        self._rows = rows

    def passes(self, batch_size: int) -> Iterator[Tensor]:
        """Yield one pass in store order, float32 NCHW between 0 and 1; each batch is new memory."""
        for images, _ in self._rows.uint8_batches(torch.arange(self.count), batch_size):
            yield images.to(torch.float32).div_(255)


def fit(
    name: str, options: Mapping[str, Any], train: Rows, store: Path, split: str
) -> tuple[Fitted, Transform]:
    """Return the fitted numbers and the transform. `split` is the digest of the split that `train` is of.

    Neither multiplies in less than float32, whatever the process does elsewhere, and both go by smaller
    pieces where memory is short.
    """
    checked = normalization.check(name, options)
    plugin = normalization[name](**checked)
    key = hashlib.blake2b(f"{_VERSION}/{canonical(checked)}/{split}".encode(), digest_size=8).hexdigest()
    folder = store.with_name(f"{store.stem}.{name}.{key}")
    fitted = _load(folder)
    if fitted is None:
        with FileLock(f"{folder}.lock"):
            fitted = _load(folder)
            if fitted is None:
                with full_precision():
                    fitted = plugin.fit(TrainingRows(train))
                if fitted:
                    _save(fitted, folder)
    return fitted, functools.partial(Pieces(), in_full_precision(plugin.transform(fitted)))


def _load(folder: Path) -> Fitted | None:
    """Map the numbers: the trials of a node share a whitening matrix of 600 MB."""
    try:
        files = sorted(folder.glob("*.npy"))
        fitted = {file.stem: np.load(file, mmap_mode="c", allow_pickle=False) for file in files}
    except (OSError, ValueError):
        return None
    return fitted or None


def _save(fitted: Fitted, folder: Path) -> None:
    """Save the numbers. The caller holds the lock, so what a killed fit has left is removed first."""
    remove_leftovers(folder)
    try:
        with creating_folder(folder, durable=True) as part:
            for name, numbers in fitted.items():
                np.save(part / f"{name}.npy", numbers, allow_pickle=False)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=str(folder)) from error
