"""Unpacks untrusted archives, all or nothing: no member leaves the target, links and bombs are refused."""

import bz2
import contextlib
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sweeper.errors import DataError
from sweeper.files import creating_folder

_BLOCK = 1 << 20
_SMALL = 100_000_000  # bytes below which no ratio is suspicious: text packs 1,000 times


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold. `ratio` is the number of unpacked bytes for one packed byte."""

    files: int = 2_000_000
    bytes: int = 500_000_000_000
    ratio: float = 100.0


_PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a compression that Python has not
    RuntimeError,  # a zip with a password
)


def unpack(archive: Path, target: Path, limits: Limits | None = None) -> Path:
    """Unpacks a tar (plain or packed) or a zip into `target`, which must not hold anything yet.

    The members go into a folder beside it, which is renamed at the end: a refused archive leaves nothing.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError("is not empty", where=str(target), hint="choose another folder with --to")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with creating_folder(target, mode=0o700) as part:
            _unpack(archive, part, limits or Limits())
            part.chmod(0o755)
    except BROKEN as error:
        raise DataError(f"cannot be unpacked: {error}", where=str(archive)) from error
    except OSError as error:
        raise DataError(f"cannot be unpacked: {error.strerror or error}", where=str(archive)) from error
    return target


def _unpack(archive: Path, target: Path, limits: Limits) -> None:
    budget = _Budget(archive, limits)
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                path = budget.admit(member.filename)
                if _is_link(member):
                    raise _refusal(archive, f"{member.filename!r} is a link")
                if not member.is_dir():
                    with opened.open(member) as content:
                        budget.write(content, target / path)
        return
    with _open_tar(archive, limits) as opened:
        for member in opened:
            path = budget.admit(member.name)
            if member.isdir():
                continue
            if not member.isfile():
                raise _refusal(archive, f"{member.name!r} is a link or a device")
            content = opened.extractfile(member)
            if content is not None:
                with content:
                    budget.write(content, target / path)


class _Budget:
    """Counts the bytes that are written, and does not trust the sizes that the archive claims."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self._packed = max(archive.stat().st_size, 1)
        self._files = 0
        self._bytes = 0

    def admit(self, name: str) -> PurePosixPath:
        """Return the member's path, if it stays below the target."""
        self._files += 1
        if self._files > self._limits.files:
            raise _refusal(self._archive, f"it holds more than {self._limits.files:,} files")
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            raise _refusal(self._archive, f"{name!r} leads out of the target")
        return path

    def write(self, content: IO[bytes], path: Path) -> None:
        """Copies a member block by block, and stops when too much has come out."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for block in _blocks(content):
                self._bytes += len(block)
                self._check()
                file.write(block)

    def _check(self) -> None:
        if self._bytes > self._limits.bytes:
            raise _refusal(self._archive, f"more than {self._limits.bytes / 1e9:g} GB come out of it")
        if self._bytes > max(_SMALL, self._limits.ratio * self._packed):
            raise _refusal(
                self._archive, f"more than {self._limits.ratio:g} bytes come out for one packed byte"
            )


class _TarStream:
    """The unpacked bytes of a tar, for `tarfile`, which believes the sizes that headers claim.

    A name of gigabytes or an endless list of holes would otherwise be unpacked before anyone counts.
    """

    def __init__(self, stream: IO[bytes], archive: Path, most: float) -> None:
        self._stream = stream
        self._archive = archive
        self._most = most

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def read(self, size: int) -> bytes:
        if size > _BLOCK:
            raise _refusal(self._archive, f"a header claims {size:,} bytes for a name")
        self._check(self._stream.tell())
        return self._stream.read(size)

    def _check(self, position: int) -> None:
        if position > self._most:
            raise _refusal(self._archive, f"its headers lead to more than {self._most / 1e9:g} GB")


@contextlib.contextmanager
def _open_tar(archive: Path, limits: Limits) -> Generator[tarfile.TarFile]:
    with archive.open("rb") as file:
        start = file.read(6)
    opener = next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), None)
    packed = archive.stat().st_size
    most = packed if opener is None else min(limits.bytes, max(_SMALL, limits.ratio * packed))
    with (opener or open)(archive, "rb") as stream:
        bounded: Any = _TarStream(stream, archive, most)
        with tarfile.open(fileobj=bounded, mode="r:") as opened:
            yield opened


def _is_tar(path: Path) -> bool:
    try:
        with _open_tar(path, Limits()):
            return True
    except (*BROKEN, gzip.BadGzipFile):
        return False


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    while block := content.read(_BLOCK):
        yield block


def _is_link(member: zipfile.ZipInfo) -> bool:
    return (member.external_attr >> 16) & 0o170000 == 0o120000


def _refusal(archive: Path, reason: str) -> DataError:
    return DataError(f"is refused: {reason}", where=str(archive))


def is_archive(path: Path) -> bool:
    """Return whether the file is a tar or a zip, judged by its content."""
    try:
        return path.is_file() and (zipfile.is_zipfile(path) or _is_tar(path))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=os.fspath(path)) from error
