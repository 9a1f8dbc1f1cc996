"""A folder of images as a tree, listed once, within the root and without what systems put beside images."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sweeper.data.sources.parts.file_source import NOT_IMAGES, File, natural, printable, stat_file
from sweeper.errors import DataError

Links = Literal["inside", "anywhere"]
_JUNK = frozenset(
    ("__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found")
)
IMAGES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_MOST_FILES = 10_000_000  # links that multiply folders end here
_SHOWN = 3  # names in a note


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, its files that may be images and its folders, in natural order; `count` is of all below."""

    name: str
    path: str
    files: tuple[File, ...]
    folders: tuple["Folder", ...]
    count: int

    @property
    def filled(self) -> list["Folder"]:
        """The folders directly below that hold an image anywhere."""
        return [folder for folder in self.folders if folder.count]

    @property
    def loose(self) -> list[File]:
        """The images directly in it, by their suffix: a README beside class folders is none."""
        return [file for file in self.files if file.key.lower().endswith(IMAGES)]

    def images(self) -> Iterator[File]:
        """Yield every file below that may be an image."""
        yield from self.files
        for folder in self.folders:
            yield from folder.images()


@dataclass(slots=True)
class Tree:
    """The folders below a root. `outside` are the links that lead out of it and were not followed."""

    top: Folder
    outside: list[str]

    def notes(self) -> Iterator[str]:
        """Yield what was not followed."""
        if self.outside:
            is_one = len(self.outside) == 1
            said = "link leads out of the folder and is" if is_one else "links lead out of the folder and are"
            hint = "dataset.links: anywhere follows them"
            yield f"{len(self.outside):,} {said} not followed: {some(self.outside)}; {hint}"


def read_tree(root: Path, links: Links = "inside") -> Tree:
    """List everything below the root once; DataError for a folder that cannot be listed."""
    walk = _Walk(os.path.realpath(root), links)
    return Tree(walk.folder(str(root), "", frozenset()), walk.outside)


def some(names: list[str]) -> str:
    """Return the first three names, and that there are more."""
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


@dataclass(slots=True)
class _Walk:
    root: str
    links: Links
    outside: list[str] = field(default_factory=list[str])
    files: int = 0

    def folder(self, path: str, key: str, seen: frozenset[str]) -> Folder:
        inside = seen | {os.path.realpath(path)}
        files: list[File] = []
        folders: list[Folder] = []
        for entry in sorted(_entries(path), key=lambda entry: natural(printable(entry.name))):
            name = printable(entry.name)
            below = f"{key}/{name}" if key else name
            if name.startswith(".") or name.lower() in _JUNK or self._leaves(entry, below):
                continue
            if _is_dir(entry):
                if os.path.realpath(entry.path) not in inside:  # a circle ends where it began
                    folders.append(self.folder(entry.path, below, inside))
            elif not name.lower().endswith(NOT_IMAGES):
                files.append(self._file(entry.path, below))
        count = len(files) + sum(folder.count for folder in folders)
        return Folder(printable(os.path.basename(path)), path, tuple(files), tuple(folders), count)

    def _leaves(self, entry: os.DirEntry[str], key: str) -> bool:
        if self.links == "anywhere" or not entry.is_symlink():
            return False
        target = os.path.realpath(entry.path)
        if target == self.root or target.startswith(self.root.rstrip("/") + "/"):
            return False
        self.outside.append(key)
        return True

    def _file(self, path: str, key: str) -> File:
        self.files += 1
        if self.files > _MOST_FILES:
            raise DataError(
                f"holds more than {_MOST_FILES:,} files",
                where=printable(self.root),
                hint="name a folder below it as dataset.root",
            )
        return stat_file(path, key)


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(f"cannot be listed: {error.strerror}", where=printable(path)) from error


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
