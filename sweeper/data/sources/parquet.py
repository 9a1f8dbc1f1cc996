"""A Parquet data set with an image and a label column, as Hugging Face writes it; local, s3:// or gs://."""

import hashlib
import json
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from pydantic import Field

from sweeper.data.sources import SPLITS, Item, Source, Split, source
from sweeper.data.sources.parts.folder_tree import Links, read_tree
from sweeper.data.sources.parts.row_labels import Labels, classes_of, unlabeled_notes
from sweeper.data.sources.parts.split_words import meaning_of, split_of_file
from sweeper.errors import DataError
from sweeper.wording import counted


@source("parquet")
def parquet(
    root: Path | None,
    *,
    uri: str | None = None,
    image: str = "image",
    label: str = "label",
    links: Links = "inside",
    channels: Literal[1, 3] = 3,
    max_bad: Annotated[float, Field(ge=0, le=1)] = 0.01,
) -> Source:
    """`uri` (s3://, gs://) may stand for `root`. A file called `test-00000.parquet` is the test split."""
    where = uri or (str(root.expanduser().absolute()) if root else None)
    if where is None:
        raise DataError("source 'parquet' needs dataset.root or dataset.uri")
    try:
        system, path = fs.FileSystem.from_uri(where)
        files, notes = _listed(system, path, links)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot be listed: {error}", where=where) from error
    if not files:
        raise DataError("; ".join(["holds no .parquet file", *notes]), where=where)
    return _Parquet(system, path, files, image, label, channels, max_bad, notes)


def _listed(system: Any, path: str, links: Links) -> tuple[list[Any], tuple[str, ...]]:
    """Return the files below the path, and what was left out: links out of a local folder, pipes, devices."""
    info = system.get_file_info(path)
    notes: tuple[str, ...] = ()
    if info.type != fs.FileType.Directory:
        entries = [info]
    elif isinstance(system, fs.LocalFileSystem):
        tree = read_tree(Path(path), links)
        entries = system.get_file_info([file.path for file in tree.top.images() if _is_parquet(file.path)])
        notes = tuple(tree.notes())
    else:
        below = system.get_file_info(fs.FileSelector(path, recursive=True))
        entries = [each for each in below if _is_parquet(each.path)]
    for each in entries:
        if each.type != fs.FileType.File:
            raise DataError("there is no regular file", where=each.path, hint="check dataset.root")
    return sorted(entries, key=lambda each: each.path), notes


def _is_parquet(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".parquet") and not name.startswith(".")


class _Parquet:
    """Reads labels when the items are asked for, and images a row group at a time."""

    def __init__(
        self,
        system: Any,
        root: str,
        files: Sequence[Any],
        image: str,
        label: str,
        channels: int,
        max_bad: float,
        notes: tuple[str, ...],
    ) -> None:
        self.channels = channels
        self.max_bad = max_bad
        self._system = system
        self._files = files
        self._image = image
        self._label = label
        self._notes = notes
        self._split = _splits(root, [each.path for each in files])
        self._lock = threading.Lock()
        self._held: dict[int, Any] = {}

    @property
    def fingerprint(self) -> str:
        """A digest of the paths, sizes and times of the files, and of the columns."""
        stats = [(each.path, each.size, str(each.mtime_ns)) for each in self._files]
        text = json.dumps(
            [stats, self._split, self._image, self._label, self.channels, self.max_bad, self._notes]
        )
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def notes(self) -> Sequence[str]:
        """Rows without a label, and links that were not followed."""
        return (*self._notes, *self._table.notes)

    @property
    def layout(self) -> str:
        """How many files are which split."""
        counts = Counter(self._split.values())
        said = [f"{counted(counts[split], 'file')} of the {split} split" for split in SPLITS if counts[split]]
        return ", ".join(
            [*said, *([f"{counted(counts[None], 'file')} to divide"] if said and counts[None] else [])]
        )

    @property
    def classes(self) -> Sequence[str]:
        """Hugging Face's class names where the files have them, else the label values, numbers in order."""
        return self._table.classes

    @property
    def items(self) -> Sequence[Item]:
        """One item a row that has a label; its key is the file's name and the row's number."""
        return self._table.items

    def read(self, index: int) -> bytes:
        """Return the row's encoded image."""
        row = self._table.rows[index]
        place = bisect_right(self._table.starts, row) - 1
        value = self._images(place)[row - self._table.starts[place]].as_py()
        encoded = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(encoded, bytes):
            return encoded
        path = value.get("path") if isinstance(value, dict) else None
        said = f"the row holds the path {path!r} and no bytes" if path else "the row holds no image bytes"
        raise OSError(f"{said} in column {self._image!r}")

    def _images(self, place: int) -> Any:
        """Read a row group's image column; two are kept, as parallel readers cross from one to the next."""
        with self._lock:
            if place not in self._held:
                file, group = self._table.groups[place]
                with self._open(file) as opened:
                    column = opened.read_row_group(group, columns=[self._image]).column(0)
                self._held = {key: kept for key, kept in self._held.items() if key == place - 1} | {
                    place: column
                }
            return self._held[place]

    @cached_property
    def _table(self) -> "_Table":
        labels: list[Labels] = []
        keys: list[tuple[str, Split | None]] = []
        groups: list[tuple[Any, int]] = []
        starts: list[int] = []
        for file in self._files:
            values: list[Any] = []
            with self._open(file) as opened:
                names = _class_names(opened.schema_arrow, self._label)
                for group in range(opened.num_row_groups):
                    groups.append((file, group))
                    starts.append(len(keys) + len(values))
                    values += opened.read_row_group(group, columns=[self._label]).column(0).to_pylist()
            split, first = self._split[file.path], len(keys)
            keys.extend((f"{file.base_name}#{first + row:07d}", split) for row in range(len(values)))
            labels.append(Labels(file.path, values, names))
        classes, numbers = classes_of(labels, self._label)
        rows = [row for row, number in enumerate(numbers) if number is not None]
        items = [
            Item(key, number, split)
            for (key, split), number in zip(keys, numbers, strict=True)
            if number is not None
        ]
        return _Table(classes, items, rows, groups, starts, tuple(unlabeled_notes(labels, numbers)))

    @contextmanager
    def _open(self, file: Any) -> Generator[Any]:
        try:
            with self._system.open_input_file(file.path) as handle:
                opened = pq.ParquetFile(handle)
                for column in (self._image, self._label):
                    if column not in opened.schema_arrow.names:
                        known = ", ".join(opened.schema_arrow.names)
                        raise DataError(f"has no column {column!r}, but {known}", where=file.path)
                yield opened
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"cannot be read: {error}", where=file.path) from error


@dataclass(frozen=True, slots=True)
class _Table:
    """`rows[i]` is item i's row, counted over all files, `starts[i]` the first row of `groups[i]`."""

    classes: list[str]
    items: list[Item]
    rows: list[int]
    groups: list[tuple[Any, int]]
    starts: list[int]
    notes: tuple[str, ...]


def _splits(root: str, paths: Sequence[str]) -> dict[str, Split | None]:
    """Return each file's split by its name or a folder below the root; what lies above it says nothing."""
    below = {path: path.removeprefix(root).lstrip("/") for path in paths}  # empty for a root that is the file
    meaning = meaning_of(below.values())
    return {path: split_of_file(name, meaning) for path, name in below.items()}


def _class_names(schema: Any, label: str) -> list[str] | None:
    """Return the names that Hugging Face's datasets keep in the schema's metadata."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return [str(name) for name in features[label]["names"]]
    except (KeyError, TypeError, ValueError):
        return None
