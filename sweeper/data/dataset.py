"""A data set as a trial sees it: three splits of one store, given out as batches."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweeper.config.sections import DatasetSpec, SplitSpec
from sweeper.data.augment import Augmentation
from sweeper.data.batches import RESIDENTS, Residents, Rows, batches
from sweeper.data.index import Bad, ImageRow, Index, Progress, open_index
from sweeper.data.near_copies import VERSION as NEAR_VERSION
from sweeper.data.near_copies import NearCopies, NearPair, near_copies, placed
from sweeper.data.normalize import Fitted, Transform
from sweeper.data.prepare import prepare
from sweeper.data.sources import SPLITS, Source, Split
from sweeper.data.sources import source as sources
from sweeper.data.split import Assignment, assign
from sweeper.data.statistics import fit
from sweeper.data.store import Store
from sweeper.errors import DataError
from sweeper.files import write_atomically
from sweeper.trial import canonical

_SPLIT_VERSION = 2  # raise it whenever `assign` divides differently


class Dataset:
    """The images of a sweep at one size, split and normalized.

    All trials of a node map one store; only the batch is copied. On a GPU with room for it a split lies
    there, once for all trials of the process, however they normalize it.
    """

    def __init__(
        self,
        store: Store,
        assignment: Assignment,
        digest: str,
        fitted: Fitted,
        transform: Transform,
        residents: Residents = RESIDENTS,
    ) -> None:
        _, pixels, _, channels = store.images.shape
        self.shape = (channels, pixels, pixels)
        self.classes = store.about.classes
        self.digest = digest
        self.bad = store.about.bad
        self.levels = store.about.levels
        self.images_digest = store.about.source
        self.notes = (*store.about.notes, *assignment.notes)
        self.fitted = fitted
        self.transform = transform
        self._rows = {split: _rows(store, assignment, split) for split in SPLITS}
        self._residents = residents
        self._resident: dict[tuple[Split, torch.device], Rows] = {}

    def size(self, split: Split) -> int:
        """Return the number of images."""
        return len(self._rows[split].rows)

    def labels(self, split: Split) -> Tensor:
        """Return the labels in store order, int64."""
        return self._rows[split].labels

    def batches(
        self,
        split: Split,
        *,
        batch_size: int,
        generator: torch.Generator | None = None,
        augmentation: Augmentation | None = None,
        drop_last: bool = False,
        epoch: int = 0,
        device: str | torch.device = "cpu",
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images float32 NCHW (channels_last in memory), augmented and normalized, and labels int64.

        With a generator the order is shuffled, and order and augmentation both come from it; without
        one the images come in store order and are not augmented. With an augmentation that mixes
        images (`mixup` above 0) the labels are float32 shares of the classes, (rows, classes).
        `epoch` decides which images an alternating flip mirrors.
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
            epoch=epoch,
            device=where,
        )

    def _on(self, split: Split, device: torch.device) -> Rows:
        key = (split, device)
        if key not in self._resident:
            images = (self.digest, self.shape, split)  # normalizations share them
            self._resident[key] = self._rows[split].on(device, images, self._residents)
        return self._resident[key]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is known of a data set before its stores are built."""

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
    layout: str = ""
    max_bad: float = 1.0

    @property
    def imbalance(self) -> float:
        """How many images the largest class has for one of the smallest."""
        return max(self.per_class) / max(1, min(self.per_class))


def open_dataset(
    spec: DatasetSpec,
    *,
    pixels: int,
    normalization: str = "none",
    options: Mapping[str, Any] | None = None,
    cache: Path,
    progress: Progress | None = None,
    residents: Residents = RESIDENTS,
) -> Dataset:
    """Open the store of that size, build it first where it is absent, and fit the normalization.

    `options` are those of the normalization. Building decodes every image once; opening takes
    milliseconds.
    """
    source = open_source(spec)
    store = prepare(source, [pixels], cache, progress)[0]
    assignment = kept_assignment(store, spec.split, _kept_together(source, spec, cache))
    for split in ("train", "valid"):
        if len(assignment.rows[split]) == 0:
            raise DataError(
                f"the {split} split is empty: too few images for each class", where="dataset.split"
            )
    digest = _digest(store.about.source, spec, store.about.recipe)
    fitted, transform = fit(
        normalization, options or {}, _rows(store, assignment, "train"), store.path, digest
    )
    return Dataset(store, assignment, digest, fitted, transform, residents)


def kept_assignment(store: Store, spec: SplitSpec, near: Mapping[str, str] | None = None) -> Assignment:
    """Work out the split once and keep it beside the store: 1 s for 30,000 images, 10 ms the next time.

    All sizes of a source share it, because they hold the same rows. `near` is what `assign` wants of it.
    """
    text = f"{_SPLIT_VERSION}/{canonical(decisive(spec))}{f'/{NEAR_VERSION}' if near else ''}"
    key = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    path = store.path.with_name(f"split.{key}.json")
    assignment = _load_split(path, len(store.labels))
    if assignment is None:
        assignment = assign(store.rows, store.about.classes, spec, near or {})
        _save_split(assignment, len(store.labels), path)
    return assignment


def decisive(spec: SplitSpec) -> dict[str, Any]:
    """Return what decides the division, as digests had it before there was `near_copies`."""
    return spec.model_dump(exclude={"near_copies"} if spec.near_copies == "apart" else None)


def _load_split(path: Path, count: int) -> Assignment | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["count"] != count:
            return None
        return Assignment(
            {split: np.array(kept["rows"][split], dtype=np.int64) for split in SPLITS}, tuple(kept["notes"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _save_split(assignment: Assignment, count: int, path: Path) -> None:
    """Keep the split if possible: a cache that has become read-only costs time and nothing else."""
    rows = {split: numbers.tolist() for split, numbers in assignment.rows.items()}
    kept = {"count": count, "rows": rows, "notes": assignment.notes}
    with contextlib.suppress(OSError):
        write_atomically(path, json.dumps(kept))


def open_source(spec: DatasetSpec) -> Source:
    """Open the source that the sweep file names, after its options are checked."""
    options = sources.check(spec.source, spec.options)
    return sources[spec.source](Path(spec.root) if spec.root else None, **options)


def describe(spec: DatasetSpec, cache: Path) -> DataFacts:
    """Count the images and warn of what is odd. The first call decodes each of them once."""
    source, index = _located(spec, cache)
    assignment = assign(index.rows, index.classes, spec.split, _kept_together(source, spec, cache))
    return _facts(spec.source, index, assignment)


def find_near_copies(spec: DatasetSpec, cache: Path) -> tuple[NearCopies, Sequence[NearPair]]:
    """Find pictures that are nearly the same, and where each lies. The first call decodes each once."""
    source, index = _located(spec, cache)
    assignment = assign(index.rows, index.classes, spec.split, _kept_together(source, spec, cache))
    splits = {int(row): split for split, rows in assignment.rows.items() for row in rows}
    found = near_copies(source, index, cache)
    return found, placed(found, index, splits)


def _kept_together(source: Source, spec: DatasetSpec, cache: Path) -> Mapping[str, str]:
    """Return the groups of near-copies that the split keeps together; none where that is not asked for."""
    if spec.split.near_copies == "apart":
        return {}
    found = near_copies(source, open_index(source, cache), cache)
    found.refuse_unsplittable()
    return found.groups


def _located(spec: DatasetSpec, cache: Path) -> tuple[Source, Index]:
    """Open the source and its index; what is wrong with the images is said of the root."""
    try:
        source = open_source(spec)
        return source, open_index(source, cache)
    except DataError as error:
        where = error.where or f"dataset.root {spec.root}"
        raise DataError(error.problem, where=where, hint=error.hint) from error


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
        layout=index.layout,
        max_bad=index.max_bad,
    )


def _copies(rows: tuple[ImageRow, ...]) -> int:
    photos = {(row.picture, row.key.partition("#")[0]) for row in rows}
    return len(photos) - len({picture for picture, _ in photos})


def _rows(store: Store, assignment: Assignment, split: Split) -> Rows:
    rows = torch.from_numpy(assignment.rows[split])
    return Rows(store.images, rows, store.labels[rows])


def _digest(content: str, spec: DatasetSpec, recipe: str) -> str:
    text = "\n".join([content, canonical(decisive(spec.split)), recipe])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
