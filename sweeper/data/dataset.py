"""A data set as a trial sees it: three splits of one store, given out as batches."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweeper.config.sections import DatasetSpec
from sweeper.data.assignment import kept_assignment
from sweeper.data.augment import Augmentation
from sweeper.data.batches import Rows, batches
from sweeper.data.decode import dimensions
from sweeper.data.index import Bad, ImageRow, Index, Progress, open_index
from sweeper.data.normalize import Fitted, Transform
from sweeper.data.prepare import prepare
from sweeper.data.sources import Source, Split, source
from sweeper.data.split import SPLITS, Assignment, assign
from sweeper.data.statistics import fit
from sweeper.data.store import Store
from sweeper.errors import DataError
from sweeper.trial import canonical


class Dataset:
    """The images of a sweep at one size, split and normalized.

    Batches come from the store that every trial on the node maps; nothing is copied but the batch.
    """

    def __init__(
        self, store: Store, assignment: Assignment, digest: str, fitted: Fitted, transform: Transform
    ) -> None:
        _, pixels, _, channels = store.images.shape
        self.shape = (channels, pixels, pixels)
        self.classes = store.about.classes
        self.digest = digest
        self.bad = store.about.bad
        self.notes = (*store.about.notes, *assignment.notes)
        self.fitted = fitted
        self.transform = transform
        self._rows = {split: _rows(store, assignment, split) for split in SPLITS}
        self._resident: dict[tuple[Split, torch.device], Rows] = {}

    def size(self, split: Split) -> int:
        """Number of images."""
        return len(self._rows[split].rows)

    def labels(self, split: Split) -> Tensor:
        """Labels in store order, int64."""
        return self._rows[split].labels

    def batches(
        self,
        split: Split,
        *,
        batch_size: int,
        generator: torch.Generator | None = None,
        augmentation: Augmentation | None = None,
        drop_last: bool = False,
        device: str | torch.device = "cpu",
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Images float32 NCHW (channels_last in memory), augmented and normalized, and labels int64.

        With a generator the order is shuffled, and order and augmentation both come from it; without
        one the images come in store order and are not augmented. With an augmentation that mixes
        images (`mixup` above 0) the labels are float32 shares of the classes, (rows, classes).
        """
        if augmentation is not None and generator is None:
            raise ValueError("augmentation draws random numbers: pass a generator")
        where = torch.device(device)
        return batches(
            self._on(split, where),
            batch_size=batch_size,
            generator=generator,
            augmentation=augmentation,
            transform=self.transform,
            classes=len(self.classes),
            drop_last=drop_last,
            device=where,
        )

    def _on(self, split: Split, device: torch.device) -> Rows:
        key = (split, device)
        if key not in self._resident:
            self._resident[key] = self._rows[split].on(device)
        return self._resident[key]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is known of a data set without decoding it; unreadable images may still be among the counts."""

    source: str
    classes: tuple[str, ...]
    channels: int
    images: int
    per_class: tuple[int, ...]
    per_split: Mapping[Split, int]
    per_class_and_split: Mapping[Split, tuple[int, ...]]
    copies: int
    bad: tuple[Bad, ...]
    warnings: tuple[str, ...]
    digest: str

    @property
    def imbalance(self) -> float:
        """Images of the largest class for one of the smallest."""
        return max(self.per_class) / max(1, min(self.per_class))


def open_dataset(
    spec: DatasetSpec,
    *,
    pixels: int,
    normalization: str = "none",
    options: Mapping[str, Any] | None = None,
    cache: Path,
    progress: Progress | None = None,
) -> Dataset:
    """Opens the store of that size, building it first where no one has, and fits the normalization.

    `options` are those of the normalization. Building decodes every image once; opening takes
    milliseconds.
    """
    store = prepare(open_source(spec), [pixels], cache, progress)[0]
    assignment = kept_assignment(store, spec.split)
    for split in ("train", "valid"):
        if len(assignment.rows[split]) == 0:
            raise DataError(
                f"the {split} split is empty: too few images for each class", where="dataset.split"
            )
    digest = _digest(store.about.source, spec, store.about.recipe)
    fitted, transform = fit(
        normalization, options or {}, _rows(store, assignment, "train"), store.path, digest
    )
    return Dataset(store, assignment, digest, fitted, transform)


def open_source(spec: DatasetSpec) -> Source:
    """The source that the sweep file names, its options checked."""
    options = source.check(spec.source, spec.options)
    return source[spec.source](Path(spec.root) if spec.root else None, **options)


def describe(spec: DatasetSpec, cache: Path) -> DataFacts:
    """Counts, sizes and warnings. The first call reads every file's bytes once; nothing is decoded."""
    index = open_index(open_source(spec), cache)
    assignment = assign(index.rows, index.classes, spec.split)
    return _facts(spec.source, index, assignment)


def image_sizes(spec: DatasetSpec, cache: Path, most: int = 500) -> list[tuple[int, int]]:
    """(width, height) of up to `most` images spread over the source, sorted by area; headers only."""
    given = open_source(spec)
    rows = open_index(given, cache).rows
    chosen = rows[:: max(1, math.ceil(len(rows) / most))]
    found = (dimensions(given.read(row.number)) for row in chosen)
    return sorted((size for size in found if size), key=lambda size: size[0] * size[1])


def _facts(name: str, index: Index, assignment: Assignment) -> DataFacts:
    labels = np.array([row.label for row in index.rows])
    count = len(index.classes)
    split_counts: dict[Split, tuple[int, ...]] = {
        split: tuple(np.bincount(labels[rows], minlength=count).tolist())
        for split, rows in assignment.rows.items()
    }
    per_split: dict[Split, int] = {split: sum(counts) for split, counts in split_counts.items()}
    return DataFacts(
        source=name,
        classes=index.classes,
        channels=index.channels,
        images=len(index.rows),
        per_class=tuple(np.bincount(labels, minlength=count).tolist()),
        per_split=per_split,
        per_class_and_split=split_counts,
        copies=_copies(index.rows),
        bad=index.bad,
        warnings=(*index.notes, *assignment.notes),
        digest=index.digest,
    )


def _copies(rows: tuple[ImageRow, ...]) -> int:
    photos = {(row.content, row.key.partition("#")[0]) for row in rows}
    return len(photos) - len({content for content, _ in photos})


def _rows(store: Store, assignment: Assignment, split: Split) -> Rows:
    rows = torch.from_numpy(assignment.rows[split])
    return Rows(store.images, rows, store.labels[rows])


def _digest(content: str, spec: DatasetSpec, recipe: str) -> str:
    text = "\n".join([content, canonical(spec.split.model_dump()), recipe])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
