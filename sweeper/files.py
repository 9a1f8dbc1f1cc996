"""Files that are whole or absent: written beside their place under a unique name, then renamed.

A link at the place is replaced and never followed. A write that fails leaves the old file and no other.
What strangers made is read by `read_regular`, which neither waits nor fills the memory.
"""

import contextlib
import errno
import itertools
import os
import secrets
import shutil
import stat
from collections.abc import Generator
from pathlib import Path
from typing import IO


def write_atomically(path: Path, data: bytes | str, *, durable: bool = False, mode: int = 0o666) -> None:
    """Put `data` (text as UTF-8) in the place of `path`; `durable` returns when the disk has it.

    The umask is taken from `mode`, as it is where Python opens a file.
    """
    with writing(path, durable=durable, mode=mode) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextlib.contextmanager
def writing(path: Path, *, durable: bool = False, mode: int = 0o666) -> Generator[IO[bytes]]:
    """Open a stream whose content takes the place of `path` if the block ends without an error."""
    with (
        replacing(path, durable=durable, mode=mode) as part,
        open(os.open(part, os.O_WRONLY | os.O_NOFOLLOW), "wb") as file,
    ):
        yield file


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = False, mode: int = 0o666) -> Generator[Path]:
    """Give an empty file, for writers that want a path; it takes the place of `path` at the end."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "exists and is no regular file", str(path))
    part = _part_of(path)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, mode))
    try:
        yield part
        put_in_place(part, path, durable=durable)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def creating_folder(path: Path, *, durable: bool = False, mode: int = 0o777) -> Generator[Path]:
    """Give an empty folder, which becomes `path` at the end.

    `path` must be absent or an empty folder by then: only the caller knows whether an older one may go.
    """
    part = _part_of(path)
    part.mkdir(mode)
    try:
        yield part
        put_in_place(part, path, durable=durable)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def appending(path: Path, mode: int = 0o666) -> IO[str]:
    """Open a text file to read and to add to, made where it is absent; OSError for a link in its place."""
    flags = (
        os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    )  # a FIFO would block for good
    descriptor = os.open(path, flags, mode)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "a+", encoding="utf-8")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "exists and is no regular file", str(path))


def own_folder(path: Path, within: Path | None = None) -> None:
    """Make the folder where it is absent; OSError for a link there, or between there and `within`."""
    above = itertools.takewhile(lambda parent: parent != within, path.parents) if within else ()
    refuse_links(path, *above)
    path.mkdir(parents=True, exist_ok=True)


def refuse_links(*paths: Path) -> None:
    """Raise OSError where one is a link: what is written below it would land wherever it leads."""
    for path in paths:
        if path.is_symlink():
            raise OSError(errno.ELOOP, "is a link, and links are not followed", str(path))


def put_in_place(part: Path, path: Path, *, durable: bool = False) -> None:
    """Rename what was written beside `path` to it; with `durable` both have reached the disk afterwards."""
    if durable:
        for each in (*part.rglob("*"), part):
            _flush(each)
    part.replace(path)
    if durable:
        _flush(path.parent)


@contextlib.contextmanager
def removing(folder: Path) -> Generator[Path]:
    """Set the folder aside for the block and remove it afterwards; if the block raises it is put back.

    OSError for a link. Links inside are removed themselves, and what they lead to stays.
    """
    refuse_links(folder)
    aside = _part_of(folder)
    folder.rename(aside)
    is_done = False
    try:
        yield aside
        is_done = True
    finally:
        if not is_done:
            aside.rename(folder)
    shutil.rmtree(aside)


def remove_leftovers(path: Path) -> None:
    """Remove what killed writers of `path` left. The caller holds the lock under which they wrote."""
    for part in path.parent.glob(f"{path.name}.part-*"):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def read_regular(path: str | Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes; OSError for a pipe, a device or more.

    A pipe is not waited for, and a sparse file is measured before it is read.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is no regular file but a pipe, a device or a folder", str(path))
        if status.st_size > limit:
            size = f"has {status.st_size / 1e6:,.0f} MB, the limit is {limit / 1e6:,.0f} MB"
            raise OSError(errno.EFBIG, size, str(path))
        return file.read(status.st_size + 1)  # one more, so that a file that grows is seen to have changed


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part-{secrets.token_hex(4)}")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
