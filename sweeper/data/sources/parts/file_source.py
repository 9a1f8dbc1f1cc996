"""A source of image files on disk, which are listed and stat'ed at once and read one by one."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from sweeper.data.sources import Item
from sweeper.errors import DataError
from sweeper.files import read_regular

MAX_BYTES = 1 << 28
"""The largest file that is read: an uncompressed picture of as many pixels as are decoded."""
# What lies beside images in real folders and is never one; everything else is judged by its content.
NOT_IMAGES = (
    *(".txt", ".csv", ".tsv", ".json", ".xml", ".md", ".html", ".yaml", ".yml", ".ini", ".db", ".py", ".npy"),
    *(".log", ".pdf", ".mat"),
)
_RUNS = re.compile(r"[0-9]+|[^0-9]+")


@dataclass(frozen=True, slots=True)
class File:
    """A file and what is known of it without opening it; `key` is its path below the root, printable.

    `changed_ns` is the time of the last change to content or permissions.
    """

    path: str
    key: str
    size: int
    changed_ns: int

    @property
    def stem(self) -> str:
        """The name without folder and suffix."""
        return self.key.rpartition("/")[2].rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Listing:
    """What the files mean; several items may share one (a photo with several boxes)."""

    items: Sequence[tuple[File, Item]]
    classes: Sequence[str]
    notes: Sequence[str] = ()
    layout: str = ""


class FileSource:
    """Serves the bytes of files. `listing` runs only when the items are asked for: a built store needs none.

    `files` are all that decide about the content, `identity` the options that do.
    """

    def __init__(
        self,
        files: Iterable[File],
        identity: object,
        listing: Callable[[], Listing],
        *,
        channels: int,
        max_bad: float,
    ) -> None:
        self.channels = channels
        self.max_bad = max_bad
        digest = hashlib.blake2b(repr((identity, channels, max_bad)).encode(), digest_size=16)
        for line in sorted(f"{file.path}\n{file.size}\n{file.changed_ns}\n" for file in files):
            digest.update(line.encode("utf-8", "surrogateescape"))
        self.fingerprint = digest.hexdigest()
        self._list = listing

    @cached_property
    def _listing(self) -> Listing:
        listing = self._list()
        ordered = sorted(listing.items, key=lambda pair: (pair[1].label, natural(pair[1].key)))
        return replace(listing, items=ordered)

    @cached_property
    def _items(self) -> list[Item]:
        return [item for _, item in self._listing.items]

    @property
    def items(self) -> Sequence[Item]:
        """By class and then by name, numbers in numeric order."""
        return self._items

    @property
    def classes(self) -> Sequence[str]:
        """Class names in label order."""
        return self._listing.classes

    @property
    def notes(self) -> Sequence[str]:
        """What the listing found odd."""
        return self._listing.notes

    @property
    def layout(self) -> str:
        """How the folders were understood."""
        return self._listing.layout

    def read(self, index: int) -> bytes:
        """Return the file's bytes; OSError where it cannot be read, or is no regular file."""
        return read_regular(self._listing.items[index][0].path, MAX_BYTES)


def folder(root: Path | None, source: str) -> Path:
    """Return the root as a folder that can be listed; DataError says what else it is."""
    if root is None:
        raise DataError(
            f"source {source!r} reads a folder, and dataset.root is not set", hint="set dataset.root"
        )
    root = root.expanduser()
    if root.suffix == ".parquet":
        raise DataError("is a Parquet file", where=str(root), hint="type -o dataset.source=parquet")
    if root.is_file():
        raise DataError(
            "is a file where a folder of images was expected",
            where=str(root),
            hint=f"if it is an archive, unpack it with: sweeper data fetch {root} "
            f"--to {root.parent / root.name.split('.')[0]}; else name its folder",
        )
    if not root.is_dir():
        raise DataError("there is no such folder", where=str(root), hint=_missing_hint(root))
    return root


def _missing_hint(root: Path) -> str:
    """Return which part of the path exists, and what is there."""
    above = next((parent for parent in root.parents if parent.is_dir()), Path("/"))
    held = sorted(entry.name for entry in os.scandir(above) if entry.is_dir() and entry.name[0] != ".")[:3]
    return f"set dataset.root; {above} holds {', '.join(f'{name}/' for name in held) or 'no folders'}"


def side_files(paths: Iterable[Path]) -> list[File]:
    """Return those files about the images that exist."""
    return [stat_file(str(path), path.name) for path in paths if path.is_file()]


def stat_file(path: str, key: str) -> File:
    """Return the file; one that cannot be looked at is listed, and reported as unreadable when read."""
    try:
        stat = os.stat(path)
    except OSError:  # a dangling or circular link
        return File(path, key, -1, 0)
    return File(path, key, stat.st_size, stat.st_ctime_ns)


def printable(name: str) -> str:
    """Return the name as valid Unicode: bytes that are not UTF-8 become \\xNN."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that takes runs of digits as numbers, so that 2 comes before 10."""
    return tuple((0, int(run), run) if run[0] in "0123456789" else (1, 0, run) for run in _RUNS.findall(name))
