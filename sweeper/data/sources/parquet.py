"""A Parquet data set with an image and a label column, as Hugging Face writes it; local, s3:// or gs://."""

import hashlib
import json
import re
import threading
from bisect import bisect_right
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

from sweeper.data.sources import Item, Source, Split, source
from sweeper.errors import DataError

_SPLIT = re.compile(r"(?:^|[/_.-])(train|valid|validation|val|test)(?=[/_.-]|$)")
_NAMES: dict[str, Split] = {
    "train": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
}


@source("parquet")
def parquet(
    root: Path | None,
    *,
    uri: str | None = None,
    image: str = "image",
    label: str = "label",
    channels: Literal[1, 3] = 3,
    max_bad: Annotated[float, Field(ge=0, le=1)] = 0.01,
) -> Source:
    """`uri` (s3://, gs://) may stand for `root`. A file called `test-00000.parquet` is the test split."""
    where = uri or (str(root.expanduser().absolute()) if root else None)
    if where is None:
        raise DataError("source 'parquet' needs dataset.root or dataset.uri")
    try:
        system, path = fs.FileSystem.from_uri(where)
        files = _list(system, path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot be listed: {error}", where=where) from error
    if not files:
        raise DataError("holds no .parquet file", where=where)
    return _Parquet(system, files, image, label, channels, max_bad)


def _list(system: Any, path: str) -> list[Any]:
    info = system.get_file_info(path)
    if info.type == fs.FileType.File:
        return [info]
    entries = system.get_file_info(fs.FileSelector(path, recursive=True))
    return sorted((each for each in entries if each.path.endswith(".parquet")), key=lambda each: each.path)


class _Parquet:
    """Reads labels when the items are asked for, and images a row group at a time."""

    def __init__(
        self, system: Any, files: Sequence[Any], image: str, label: str, channels: int, max_bad: float
    ) -> None:
        self.channels = channels
        self.max_bad = max_bad
        self.notes: tuple[str, ...] = ()
        self._system = system
        self._files = files
        self._image = image
        self._label = label
        self._lock = threading.Lock()
        self._held: dict[int, Any] = {}

    @property
    def fingerprint(self) -> str:
        """A digest of the paths, sizes and times of the files, and of the columns."""
        stats = [(each.path, each.size, str(each.mtime_ns)) for each in self._files]
        text = json.dumps([stats, self._image, self._label, self.channels, self.max_bad])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def classes(self) -> Sequence[str]:
        """Hugging Face's class names where the file has them, else the label values, numbers in order."""
        return self._table.classes

    @property
    def items(self) -> Sequence[Item]:
        """One item a row; its key is the file's name and the row's number."""
        return self._table.items

    def read(self, index: int) -> bytes:
        """Return the row's encoded image."""
        place = bisect_right(self._table.starts, index) - 1
        value = self._images(place)[index - self._table.starts[place]].as_py()
        encoded = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(encoded, bytes):
            raise OSError(f"column {self._image!r} holds no image bytes here")
        return encoded

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
        labels: list[Any] = []
        items: list[tuple[str, Split | None]] = []
        groups: list[tuple[Any, int]] = []
        starts: list[int] = []
        names: list[str] | None = None
        for file in self._files:
            split = _split(file.path)
            with self._open(file) as opened:
                names = names or _class_names(opened.schema_arrow, self._label)
                for group in range(opened.num_row_groups):
                    groups.append((file, group))
                    starts.append(len(items))
                    values = opened.read_row_group(group, columns=[self._label]).column(0).to_pylist()
                    labels += values
                    first = len(items)
                    items.extend((f"{file.base_name}#{first + row:07d}", split) for row in range(len(values)))
        classes, numbers = _classes(labels, names, self._label)
        rows = [Item(key, number, split) for (key, split), number in zip(items, numbers, strict=True)]
        return _Table(classes, rows, groups, starts)

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
    """`starts[i]` is the number of the first row of `groups[i]`."""

    classes: list[str]
    items: list[Item]
    groups: list[tuple[Any, int]]
    starts: list[int]


def _split(path: str) -> Split | None:
    names = _SPLIT.findall(path.rpartition("/")[2]) or _SPLIT.findall(path)
    return _NAMES[names[-1]] if names else None


def _class_names(schema: Any, label: str) -> list[str] | None:
    """Return the names that Hugging Face's datasets keep in the schema's metadata."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return [str(name) for name in features[label]["names"]]
    except (KeyError, TypeError, ValueError):
        return None


def _classes(labels: Sequence[Any], names: list[str] | None, column: str) -> tuple[list[str], list[int]]:
    if any(label is None or not isinstance(label, int | str) for label in labels):
        raise DataError(f"column {column!r} must hold a whole number or a text in every row")
    if names is not None and all(isinstance(label, int) and 0 <= label < len(names) for label in labels):
        return names, [int(label) for label in labels]
    values = sorted(set(labels), key=lambda value: (isinstance(value, str), value))
    number = {value: place for place, value in enumerate(values)}
    return [str(value) for value in values], [number[label] for label in labels]
