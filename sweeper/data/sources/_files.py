"""A source of image files on disk: listed and stat'ed at once, read one by one, never decoded here."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.data.sources import Item
from sweeper.errors import DataError

# What lies beside images in real folders and is never one; everything else is judged by its content.
NOT_IMAGES = {
    *(".txt", ".csv", ".tsv", ".json", ".xml", ".md", ".html", ".yaml", ".yml", ".ini", ".db", ".py", ".npy"),
    *(".log", ".pdf", ".mat"),
}


@dataclass(frozen=True, slots=True)
class File:
    """A file and what is known of it without opening it."""

    path: Path
    key: str
    size: int
    mtime_ns: int


class FileSource:
    """Serves the bytes of files; several items may share one (a photo with several boxes)."""

    def __init__(
        self,
        files: Sequence[tuple[File, Item]],
        classes: Sequence[str],
        *,
        notes: Sequence[str] = (),
        channels: int = 3,
        max_bad: float = 0.01,
    ) -> None:
        ordered = sorted(files, key=lambda pair: (pair[1].label, natural(pair[1].key)))
        self.items: Sequence[Item] = [item for _, item in ordered]
        self.classes = tuple(classes)
        self.notes = tuple(notes)
        self.channels = channels
        self.max_bad = max_bad
        self._files = [file for file, _ in ordered]

    @property
    def fingerprint(self) -> str:
        """Over names, sizes, times, labels, splits and boxes."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.classes, self.channels, self.max_bad)).encode())
        for file, item in zip(self._files, self.items, strict=True):
            digest.update(repr((str(file.path), file.size, file.mtime_ns, item)).encode())
        return digest.hexdigest()

    def read(self, index: int) -> bytes:
        """The file's bytes; OSError where it cannot be read."""
        return self._files[index].path.read_bytes()


def folder(root: Path | None, source: str) -> Path:
    """The root as a folder that can be listed; DataError says what else it is."""
    if root is None:
        raise DataError(
            f"source {source!r} reads a folder, and dataset.root is not set", hint="set dataset.root"
        )
    root = root.expanduser()
    if root.is_file():
        raise DataError(
            "is a file where a folder of images was expected",
            where=str(root),
            hint=f"unpack it with: sweeper data fetch {root} --to {root.parent / root.name.split('.')[0]}",
        )
    if not root.is_dir():
        raise DataError("there is no such folder", where=str(root), hint="check dataset.root")
    return root


def subfolders(root: Path) -> list[Path]:
    """The folders directly below, hidden ones left out, numbers sorted as numbers."""
    found = [entry for entry in _entries(root) if not entry.name.startswith(".") and _is_dir(entry)]
    return sorted((Path(entry.path) for entry in found), key=lambda path: natural(path.name))


def images_below(top: Path, root: Path) -> Iterator[File]:
    """Every file below `top` that may be an image; links are followed, but never in a circle."""
    yield from _walk(top, root, frozenset({os.path.realpath(root)}))


def _walk(top: Path, root: Path, seen: frozenset[str]) -> Iterator[File]:
    real = os.path.realpath(top)
    if real in seen:
        return
    for entry in _entries(top):
        if entry.name.startswith("."):
            continue
        if _is_dir(entry):
            yield from _walk(Path(entry.path), root, seen | {real})
        elif Path(entry.name).suffix.lower() not in NOT_IMAGES:
            yield _file(Path(entry.path), root)


def _file(path: Path, root: Path) -> File:
    key = printable(os.path.relpath(path, root))
    try:
        stat = path.stat()
    except OSError:  # a dangling or circular link: listed, and reported as unreadable when read
        return File(path, key, -1, 0)
    return File(path, key, stat.st_size, stat.st_mtime_ns)


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(f"cannot be listed: {error.strerror}", where=printable(str(path))) from error


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def printable(name: str) -> str:
    """The name as valid Unicode: bytes that are not UTF-8 become \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that takes runs of digits as numbers, so that 2 comes before 10."""
    parts: list[tuple[int, int, str]] = []
    run = ""
    for char in name:
        is_digit = char.isascii() and char.isdigit()
        if run and is_digit != (run[-1].isascii() and run[-1].isdigit()):
            parts.append(_part(run))
            run = ""
        run += char
    return (*parts, _part(run)) if run else tuple(parts)


def _part(run: str) -> tuple[int, int, str]:
    return (0, int(run), run) if run.isascii() and run.isdigit() else (1, 0, run)
