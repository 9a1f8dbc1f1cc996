"""Indexes a source: labels, digests of bytes and pixels, unreadable files. Each image is decoded once."""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from filelock import FileLock

from sweeper.data.decode import BadImage, Levels
from sweeper.data.levels import Look, depth_notes, levels_of, look
from sweeper.data.sources import Raw, Source
from sweeper.errors import DataError
from sweeper.files import remove_leftovers, write_atomically

T = TypeVar("T")
Progress = Callable[[int, int], None]
_FORMAT = 2
_CHUNK = 256
_MANY = 5_000  # images from which on the look takes so long that it is announced
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bad:
    """A file that was skipped, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImageRow:
    """A readable image: its `number` in the source, the digests of its bytes and of its decoded pixels."""

    number: int
    key: str
    label: int
    content: str
    split: str | None
    box: tuple[int, int, int, int] | None
    pixels: str = ""

    @property
    def picture(self) -> str:
        """What copies have in common, in whatever format they were saved."""
        return self.pixels or self.content


@dataclass(frozen=True)
class Index:
    """The rows of a source in its own order, with what there is to say about them."""

    classes: tuple[str, ...]
    channels: int
    max_bad: float
    rows: tuple[ImageRow, ...]
    bad: tuple[Bad, ...]
    notes: tuple[str, ...]
    layout: str = ""
    levels: Levels = field(default_factory=dict[str, tuple[float, float]])

    @cached_property
    def digest(self) -> str:
        """Digest of all that decides what the store holds: the same on every machine with these images."""
        levels = {name: tuple(map(float, each)) for name, each in sorted(self.levels.items())} or ""
        digest = hashlib.blake2b(f"{(self.classes, self.channels)!r}{levels}".encode(), digest_size=16)
        for row in self.rows:
            digest.update(repr((row.key, row.label, row.content, row.split, row.box)).encode())
        return digest.hexdigest()


def open_index(source: Source, cache: Path) -> Index:
    """Open the index of a source, from the cache where nothing has changed since it was made.

    The decoding costs 0.45 ms of CPU for a JPEG of 224 px and 2.4 ms for one of 500 px, once.
    """
    path = _path(source, cache)
    index = _load(path)
    if index is not None:
        return index
    with _cache_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"))
        lock.acquire()
    try:
        index = _load(path)
        if index is None:
            index = build_index(source)
            _save(index, path)
    finally:
        lock.release()
    return index


def index_digest(source: Source, cache: Path) -> str:
    """Return the index's digest, without reading its rows where it is in the cache."""
    try:
        return _path(source, cache).with_suffix(".digest").read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return open_index(source, cache).digest


def build_index(source: Source) -> Index:
    """Read and decode every image once, in parallel: copies and value ranges show in the pixels alone."""
    rows: list[ImageRow] = []
    bad: list[Bad] = []
    looks: dict[str, Look | str] = {}  # by content: boxes of one photo, and its copies, are decoded once
    items = source.items
    if not items:
        raise DataError("the source holds no images with a label")
    if len(items) >= _MANY:
        _log.warning("looking at %s images, once", f"{len(items):,}")
    for number, content in in_parallel(lambda number: _content(source, number, looks), range(len(items))):
        item = items[number]
        if isinstance(content, Bad):
            bad.append(content)
            continue
        seen = looks[content]
        if isinstance(seen, str):
            bad.append(Bad(item.key, seen))
        else:
            row = ImageRow(number, item.key, item.label, content, item.split, item.box, seen.pixels)
            rows.append(row)
    if not rows:
        first = f"{bad[0].key}: {bad[0].reason}"
        raise DataError(
            f"none of the {len(bad):,} images can be read, first {first}",
            hint="sweeper init FILE --root FOLDER tells which source reads a folder",
        )
    readable = [seen for row in rows if isinstance(seen := looks[row.content], Look)]
    levels = levels_of(readable)
    return Index(
        tuple(source.classes),
        source.channels,
        source.max_bad,
        tuple(rows),
        tuple(bad),
        (*source.notes, *depth_notes(readable, levels), *_copies(rows, source.classes)),
        source.layout,
        {str(depth): scale for depth, scale in levels.items()},
    )


def content_digest(raw: Raw) -> str:
    """Digest the file's bytes, or the pixels and their shape."""
    if isinstance(raw, bytes):
        return hashlib.blake2b(raw, digest_size=16).hexdigest()
    digest = hashlib.blake2b(repr(raw.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(raw).data)
    return digest.hexdigest()


def in_parallel(work: Callable[[int], T], numbers: Sequence[int]) -> Iterator[tuple[int, T]]:
    """Yield `work` of each number in order, on all allowed cores; at most one chunk is in memory."""
    with ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)))) as pool:
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            yield from zip(chunk, pool.map(work, chunk), strict=True)


def _path(source: Source, cache: Path) -> Path:
    return cache / "index" / f"{source.fingerprint.replace('/', '-')}.{_FORMAT}.json"


def _content(source: Source, number: int, looks: dict[str, Look | str]) -> str | Bad:
    """Digest an image's bytes; what its pixels tell, or why they cannot, goes into `looks`."""
    try:
        raw = source.read(number)
    except OSError as error:
        return Bad(source.items[number].key, error.strerror or str(error))
    content = content_digest(raw)
    if content not in looks:
        try:
            looks[content] = look(raw) if isinstance(raw, bytes) else Look(content)
        except BadImage as error:
            looks[content] = str(error)
    return content


def _copies(rows: Sequence[ImageRow], classes: Sequence[str]) -> Iterator[str]:
    places: dict[str, set[tuple[int, str]]] = {}
    for row in rows:
        places.setdefault(row.picture, set()).add((row.label, row.key.partition("#")[0]))
    repeated = [sorted(each) for each in places.values() if len(each) > 1]
    if repeated:
        extra = sum(len(each) - 1 for each in repeated)
        yield f"{extra} images are copies of others, pixel for pixel; copies stay on one side of the split"
    several = [each for each in repeated if len({label for label, _ in each}) > 1]
    if several:
        first = ", ".join(sorted({repr(classes[label]) for label, _ in several[0]}))
        yield f"{len(several)} images stand in more than one class, for example in {first}"


def _load(path: Path) -> Index | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("format") != _FORMAT:
            return None
        document["rows"] = tuple(
            ImageRow(
                number,
                key,
                label,
                content,
                split,
                None if box is None else (box[0], box[1], box[2], box[3]),
                pixels,
            )
            for number, key, label, content, split, box, pixels in document["rows"]
        )
        document["bad"] = tuple(Bad(**each) for each in document["bad"])
        return Index(
            **(document | {"classes": tuple(document["classes"]), "notes": tuple(document["notes"])})
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # absent or damaged: built again


def _save(index: Index, path: Path) -> None:
    rows = [
        (row.number, row.key, row.label, row.content, row.split, row.box, row.pixels) for row in index.rows
    ]
    document = {
        "format": _FORMAT,
        "classes": index.classes,
        "channels": index.channels,
        "max_bad": index.max_bad,
        "rows": rows,
        "bad": [asdict(each) for each in index.bad],
        "notes": index.notes,
        "layout": index.layout,
        "levels": index.levels,
    }
    with _cache_errors(path):
        remove_leftovers(path)
        write_atomically(path, json.dumps(document))
        write_atomically(path.with_suffix(".digest"), index.digest)


@contextlib.contextmanager
def _cache_errors(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the cache cannot be written: {error.strerror or error}",
            where=str(path),
            hint="set $SWEEPER_CACHE",
        ) from error
