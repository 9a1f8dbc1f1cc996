"""A frozen backbone's vectors, computed once and shared by every trial that trains a head on them."""

import functools
import hashlib
import logging
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from filelock import FileLock
from torch import Tensor, nn

from sweeper.data.augment import Augmentation
from sweeper.data.batches import RESIDENTS, Data, Residents, epoch_order
from sweeper.data.gc import mark_used
from sweeper.data.handled import HANDLED
from sweeper.data.pieces import Pieces
from sweeper.data.sources import Split
from sweeper.errors import DataError
from sweeper.files import remove_leftovers, writing
from sweeper.training.device import autocast
from sweeper.training.recipe import Recipe
from sweeper.trial import canonical

FORMAT = 1
_BATCH = 128
_log = logging.getLogger(__name__)


class Features:
    """Vectors in place of images. They have no test split: the winner is scored with its whole network.

    On a GPU with room for them they lie there, once for all trials of the process; `key` says which they are.
    """

    def __init__(
        self, dataset: Data, vectors: dict[Split, Tensor], key: str, residents: Residents = RESIDENTS
    ) -> None:
        self.shape = tuple(vectors["train"].shape[1:])
        self.classes = dataset.classes
        self.digest = dataset.digest
        self._vectors = vectors
        self._labels = {split: dataset.labels(split) for split in vectors}
        self._key = key
        self._residents = residents
        self._placed: dict[tuple[Split, torch.device], tuple[Tensor, Tensor]] = {}

    def size(self, split: Split) -> int:
        """Return the number of images."""
        return len(self._labels[split])

    def labels(self, split: Split) -> Tensor:
        """Return the labels in store order, int64."""
        return self._labels[split]

    def batches(
        self,
        split: Split,
        *,
        batch_size: int,
        generator: torch.Generator | None = None,
        augmentation: Augmentation | None = None,
        drop_last: bool = False,
        epoch: int = 0,
        device: str = "cpu",
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield vectors and labels, in the order in which the images would come."""
        where = torch.device(device)
        vectors, labels = self._on(split, where)
        order = epoch_order(len(labels), batch_size, generator, drop_last=drop_last).to(vectors.device)
        answers = labels[order].to(where).split(batch_size)
        for rows, those in zip(order.split(batch_size), answers, strict=True):
            HANDLED.batches += 1
            yield vectors.index_select(0, rows).to(where), those

    def _on(self, split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
        """Vectors and labels where they are gathered."""
        if (split, device) not in self._placed:
            vectors, labels = self._vectors[split], self._labels[split]
            size = vectors.numel() * vectors.element_size()
            held = self._residents.place((self._key, split), device, size, lambda: vectors)
            placed = (vectors, labels) if held is None else (held, labels.to(device))
            self._placed[split, device] = placed
        return self._placed[split, device]


def shared_features(
    network: nn.Module,
    recipe: Recipe,
    dataset: Data,
    *,
    cache: Path,
    device: torch.device,
    dtype: torch.dtype,
) -> Features:
    """Open the vectors in `cache`, or compute them once for the node while other trials wait."""
    folder = cache / "features" / _key(network, recipe, dataset, dtype)
    folder.mkdir(parents=True, exist_ok=True)
    mark_used(folder)
    vectors: dict[Split, Tensor] = {}
    with FileLock(folder / ".lock"):
        for split in ("train", "valid"):
            path = folder / f"{split}.arrow"
            kept = _open(path)
            if kept is None or len(kept) != dataset.size(split):
                _log.info("computing the features of %d images (%s)", dataset.size(split), split)
                _write(_compute(network, dataset, split, device=device, dtype=dtype), path)
                kept = _open(path)
                if kept is None:
                    raise DataError("was altered while it was written", where=str(path), hint="try again")
            vectors[split] = kept
    return Features(dataset, vectors, folder.name)


def _key(network: nn.Module, recipe: Recipe, dataset: Data, dtype: torch.dtype) -> str:
    options = recipe.model_options
    file = Path(str(network.get_submodule("base").weights_path))
    parts = {
        "format": FORMAT,
        "images": dataset.digest,
        "shape": list(dataset.shape),
        "normalization": [recipe.normalization, dict(recipe.normalization_options)],
        "backbone": [options["backbone"], options["inputs"]],
        "weights": _digest(file, file.stat().st_mtime_ns),
        "dtype": str(dtype),
    }
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:32]


@functools.lru_cache(maxsize=32)
def _digest(file: Path, changed: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _compute(
    network: Any, dataset: Data, split: Split, *, device: torch.device, dtype: torch.dtype
) -> Tensor:
    network.eval()
    rows, in_pieces = list[Tensor](), Pieces()
    with torch.inference_mode(), autocast(device, dtype):
        for images, _ in dataset.batches(split, batch_size=_BATCH, device=str(device)):
            rows.append(in_pieces(network.vectors, images).float().cpu())
    return torch.cat(rows)


def _write(vectors: Tensor, path: Path) -> None:
    flat = pa.array(vectors.contiguous().flatten().numpy())
    column = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    schema = pa.schema([pa.field("vector", column.type)], metadata={"digest": _content(vectors)})
    batch = pa.record_batch([column], schema=schema)
    remove_leftovers(path)
    options = pa.ipc.IpcWriteOptions(allow_64bit=True)
    with writing(path, durable=True) as file, pa.ipc.new_file(file, schema, options=options) as writer:
        writer.write_batch(batch)


def _open(path: Path) -> Tensor | None:
    """Map the file: trials of a node share its pages, and writing stays private.

    None where the file is absent, truncated or altered: then it is computed again.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        reader = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped)))
        column = reader.get_batch(0).column("vector")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, pa.ArrowException):
        _log.warning("%s is damaged; the features are computed again", path)
        return None
    vectors = torch.from_dlpack(column.flatten()).view(len(column), -1)
    if (reader.schema.metadata or {}).get(b"digest", b"").decode() != _content(vectors):
        _log.warning("%s was altered after it was written; the features are computed again", path)
        return None
    return vectors


def _content(vectors: Tensor) -> str:
    return hashlib.blake2b(vectors.contiguous().numpy().data, digest_size=16).hexdigest()
