"""One Arrow file a pixel size: uint8 images of one shape, written once, mapped by every trial.

`<pixels>.arrow` holds the images and their rows, `<pixels>.json` its size and digest; the latter is
written last, so a store without it does not exist. One record batch, uncompressed: the mapping is
the tensor, and processes share it through the page cache.
"""

import hashlib
import json
import logging
import mmap
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from sweeper.data.decode import Levels
from sweeper.data.index import Bad, ImageRow
from sweeper.errors import DataError
from sweeper.files import write_atomically, writing

FORMAT = 2
_log = logging.getLogger(__name__)
_BLOCK = 1 << 24


@dataclass(frozen=True, slots=True)
class About:
    """What the store says of itself."""

    source: str
    recipe: str
    classes: tuple[str, ...]
    bad: tuple[Bad, ...]
    notes: tuple[str, ...]
    levels: Levels = field(default_factory=dict[str, tuple[float, float]])


@dataclass(frozen=True)
class Store:
    """An open store. `images` is the file, mapped, as (rows, pixels, pixels, channels); `labels` are int64.

    Writing into `images` stays private to this process; the file cannot be changed through it.
    """

    images: Tensor
    labels: Tensor
    about: About
    path: Path
    batch: Any

    @cached_property
    def rows(self) -> tuple[ImageRow, ...]:
        """What is known of each image; only the split needs it. It takes 50 ms for 30,000."""
        names = ("number", "key", "label", "content", "split", "box", "pixels")
        columns = [self.batch.column(name).to_pylist() for name in names]
        return tuple(
            ImageRow(number, key, label, content, split, None if box is None else tuple(box), pixels)
            for number, key, label, content, split, box, pixels in zip(*columns, strict=True)
        )


def write_store(
    pixels: IO[bytes], shape: tuple[int, int, int, int], rows: Sequence[ImageRow], about: About, path: Path
) -> None:
    """Turn the raw pixel bytes of a scratch file into a store, atomically; the caller holds the lock."""
    options = pa.ipc.IpcWriteOptions(allow_64bit=True)  # 256 px x 11,000 images pass 2^31 bytes
    with (
        mmap.mmap(pixels.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        writing(path, durable=True) as file,
    ):
        batch = _batch(mapped, shape, rows, about)
        with pa.ipc.new_file(file, batch.schema, options=options) as writer:
            writer.write_batch(batch)
        del batch
        os.fchmod(file.fileno(), 0o444)
    _write_mark(path)


def open_store(path: Path) -> Store | None:
    """Open the store at `path`; None where there is none that can be trusted, with the reason in the log.

    A store of a newer version is refused and not rebuilt: a newer sweeper is using it.
    """
    mark = _read_mark(path)
    if mark is None:
        return None
    if mark["format"] > FORMAT:
        raise DataError(
            f"was written by a newer sweeper (format {mark['format']}, this one reads up to {FORMAT})",
            where=str(path),
            hint="upgrade sweeper, or point $SWEEPER_CACHE to another folder",
        )
    problem = _problem(path, mark)
    if problem:
        _log.warning("%s: %s; it is built again", path, problem)
        return None
    try:
        return _open(path)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        _log.warning("%s: cannot be read (%s); it is built again", path, error)
        return None


def _batch(
    mapped: mmap.mmap, shape: tuple[int, int, int, int], rows: Sequence[ImageRow], about: About
) -> Any:
    count, *image = shape
    flat = pa.Array.from_buffers(pa.uint8(), int(np.prod(shape)), [None, pa.py_buffer(mapped)])
    tensor = pa.fixed_shape_tensor(pa.uint8(), image, dim_names=["H", "W", "C"])
    storage = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(image)))
    columns = {
        "image": pa.ExtensionArray.from_storage(tensor, storage),
        "label": pa.array([row.label for row in rows], pa.int32()),
        "key": pa.array([row.key for row in rows], pa.string()),
        "content": pa.array([row.content for row in rows], pa.string()),
        "pixels": pa.array([row.pixels for row in rows], pa.string()),
        "split": pa.array([row.split for row in rows], pa.string()),
        "number": pa.array([row.number for row in rows], pa.int64()),
        "box": pa.array([row.box for row in rows], pa.list_(pa.int32())),
    }
    metadata = {b"sweeper": json.dumps({"format": FORMAT, "count": count, **asdict(about)}).encode()}
    schema = pa.schema([pa.field(name, column.type) for name, column in columns.items()], metadata=metadata)
    return pa.record_batch(list(columns.values()), schema=schema)


def _open(path: Path) -> Store:
    with path.open("rb") as file:
        # ACCESS_COPY: an in-place operation by mistake stays private instead of ending the process
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    batch = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).get_batch(0)
    column = batch.column("image")
    images = torch.from_dlpack(column.storage.flatten()).view(len(column), *column.type.shape)
    metadata = json.loads(batch.schema.metadata[b"sweeper"])
    about = About(
        source=metadata["source"],
        recipe=metadata["recipe"],
        classes=tuple(metadata["classes"]),
        bad=tuple(Bad(**each) for each in metadata["bad"]),
        notes=tuple(metadata["notes"]),
        levels=metadata["levels"],
    )
    labels = torch.from_dlpack(batch.column("label")).long().clone()  # `to_numpy` would import pandas
    return Store(images, labels, about, path, batch)


def _write_mark(path: Path) -> None:
    stat = path.stat()
    mark = {
        "format": FORMAT,
        "bytes": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "digest": file_digest(path),
    }
    write_atomically(path.with_suffix(".json"), json.dumps(mark), durable=True)


def _read_mark(path: Path) -> dict[str, Any] | None:
    try:
        mark = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return mark if {"format", "bytes", "mtime_ns", "digest"} <= set(mark) else None
    except (OSError, ValueError, TypeError):
        return None


def _problem(path: Path, mark: dict[str, Any]) -> str:
    try:
        stat = path.stat()
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    if mark["format"] < FORMAT:
        return "was written in an older format"
    if stat.st_size != mark["bytes"]:
        return f"is truncated or extended: {stat.st_size} bytes where {mark['bytes']} were written"
    # hashing 1 GB costs 1.6 CPU-seconds: done only where the file was touched
    if stat.st_mtime_ns != mark["mtime_ns"] and file_digest(path) != mark["digest"]:
        return "was altered after it was written"
    return ""


def file_digest(path: Path) -> str:
    """Return the blake2b of the file, read 16 MB at a time."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
