"""Keeps the cache within a limit: the stores that were not opened for longest go first."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

KINDS = ("stores", "features")
_GB = 1_000_000_000
_DEFAULT_GB = 100.0
_MARK, _LOCK = ".used", ".lock"


@dataclass(frozen=True, slots=True)
class Kept:
    """The stores and statistics of one source in the cache. `used` is seconds since 1970."""

    folder: Path
    bytes: int
    used: float


def limit_bytes() -> int:
    """Return `$SWEEPER_CACHE_GB` in bytes, else 100 GB."""
    try:
        return int(float(os.environ.get("SWEEPER_CACHE_GB", _DEFAULT_GB)) * _GB)
    except (ValueError, OverflowError):
        return int(_DEFAULT_GB * _GB)


def mark_used(folder: Path) -> None:
    """Note that a store was opened; a cache that cannot be written is left as it is."""
    with contextlib.suppress(OSError):
        (folder / _MARK).touch()


def kept(cache: Path) -> list[Kept]:
    """Return what the cache holds; the folder that was used last comes first."""
    folders = [path for kind in KINDS for path in (cache / kind).glob("*") if path.is_dir()]
    in_use = [each for each in map(_measure, folders) if each.bytes]
    return sorted(in_use, key=lambda each: -each.used)


def collect(cache: Path, limit: int, *, spare: Path | None = None) -> list[Kept]:
    """Remove stores until the rest fits, but never `spare` and never one that is being built.

    A process that has mapped a removed store keeps it: the space is free when the last of them ends.
    """
    removed: list[Kept] = []
    left = 0
    for each in kept(cache):
        left += each.bytes
        if left > limit and each.folder != spare and _remove(each.folder):
            left -= each.bytes
            removed.append(each)
    return removed


def _remove(folder: Path) -> bool:
    try:
        with FileLock(folder / _LOCK, timeout=0):
            marks = list(folder.glob("*.json"))  # first what says that the stores exist
            rest = [
                path for path in folder.iterdir() if path.name != _LOCK
            ]  # a builder may wait for the lock
            for path in (*marks, *rest):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
    except (Timeout, OSError):
        return False
    return True


def _measure(folder: Path) -> Kept:
    total, used = 0, 0.0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            stat = path.stat()
            total += stat.st_blocks * 512
            used = max(used, stat.st_mtime) if path.name == _MARK else used
    return Kept(folder, total, used)
