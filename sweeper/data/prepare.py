"""Builds the stores of a source: one decode for all pixel sizes, once a node, under a lock."""

import contextlib
import errno
import hashlib
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import IO

from filelock import FileLock

from sweeper.data.class_check import check_classes, check_readable
from sweeper.data.decode import RECIPE, BadImage, decode
from sweeper.data.gc import collect, limit_bytes, mark_used
from sweeper.data.index import (
    Bad,
    ImageRow,
    Index,
    Progress,
    content_digest,
    in_parallel,
    index_digest,
    open_index,
)
from sweeper.data.sources import Pixels, Source
from sweeper.data.store import About, Store, open_store, write_store
from sweeper.errors import DataError


def store_folder(digest: str, cache: Path) -> Path:
    """Return the folder of an index's stores: a function of their content and of how they are decoded."""
    key = hashlib.blake2b(f"{digest}\n{RECIPE}".encode(), digest_size=10).hexdigest()
    return cache / "stores" / key


def prepare(
    source: Source, pixels: Sequence[int], cache: Path, progress: Progress | None = None
) -> list[Store]:
    """Return the stores at these sizes, built where absent; a second process waits and then opens them."""
    folder = store_folder(index_digest(source, cache), cache)
    paths = {size: folder / f"{size}.arrow" for size in pixels}
    opened = {size: open_store(path) for size, path in paths.items()}
    if None in opened.values():
        _make_folder(folder)
        with FileLock(folder / ".lock"):
            _sweep_leftovers(folder)
            opened = {size: open_store(path) for size, path in paths.items()}
            absent = [size for size, store in opened.items() if store is None]
            if absent:
                _build(source, open_index(source, cache), absent, folder, progress)
                opened |= {size: open_store(paths[size]) for size in absent}
                collect(cache, limit_bytes(), spare=folder)
    stores = [store for store in opened.values() if store is not None]
    if len(stores) < len(paths):
        raise DataError("cannot be read back after it was written", where=str(folder))
    about = stores[0].about  # the sweep that built it may have allowed more bad images
    check_readable(source.max_bad, len(stores[0].labels), about.bad, "dataset")
    check_classes(about.classes, "dataset")
    mark_used(folder)
    return stores


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the cache cannot be written: {error.strerror}", where=str(folder), hint="set $SWEEPER_CACHE"
        ) from error


def _sweep_leftovers(folder: Path) -> None:
    """Remove what a killed build left: its lock is free, so no process is writing."""
    for pattern in ("*.arrow.part-*", "*.json.part-*"):
        for leftover in folder.glob(pattern):
            leftover.unlink(missing_ok=True)


def _build(
    source: Source, index: Index, pixels: Sequence[int], folder: Path, progress: Progress | None
) -> None:
    _check_space(index, pixels, folder)
    with _disk_errors(folder), contextlib.ExitStack() as stack:
        # nameless files: a build that is killed leaves nothing
        scratch = {size: stack.enter_context(tempfile.TemporaryFile(dir=folder)) for size in pixels}
        rows, bad = _decode_all(source, index, scratch, progress)
        check_readable(source.max_bad, len(rows), bad, "dataset")
        check_classes([index.classes[label] for label in sorted({row.label for row in rows})], "dataset")
        about = About(index.digest, RECIPE, index.classes, bad, index.notes, index.levels)
        for size, file in scratch.items():
            file.flush()
            shape = (len(rows), size, size, index.channels)
            write_store(file, shape, rows, about, folder / f"{size}.arrow")
            file.close()


def _decode_all(
    source: Source, index: Index, scratch: Mapping[int, IO[bytes]], progress: Progress | None
) -> tuple[list[ImageRow], tuple[Bad, ...]]:
    rows: list[ImageRow] = []
    bad = list(index.bad)
    sizes = list(scratch)

    def work(place: int) -> list[Pixels] | Bad:
        row = index.rows[place]
        return _read(source, row, sizes, index)

    for done, (place, images) in enumerate(in_parallel(work, range(len(index.rows))), start=1):
        if isinstance(images, Bad):
            bad.append(images)
        else:
            rows.append(index.rows[place])
            for size, image in zip(sizes, images, strict=True):
                scratch[size].write(image.tobytes())
        if progress and (done % 64 == 0 or done == len(index.rows)):
            progress(done, len(index.rows))
    return rows, tuple(bad)


def _read(source: Source, row: ImageRow, pixels: Sequence[int], index: Index) -> list[Pixels] | Bad:
    try:
        raw = source.read(row.number)
    except OSError as error:
        raise DataError(f"{row.key}: vanished while the images were read ({error.strerror})") from error
    if content_digest(raw) != row.content:
        raise DataError(
            f"{row.key}: changed while the images were read", hint="start again when the folder is at rest"
        )
    try:
        return decode(raw, pixels, channels=index.channels, box=row.box, levels=index.levels)
    except BadImage as error:
        return Bad(row.key, str(error))


def _check_space(index: Index, pixels: Sequence[int], folder: Path) -> None:
    largest = max(pixels)
    image_bytes = [len(index.rows) * index.channels * size * size for size in pixels]
    # the scratch files of all sizes, then one finished file at a time beside them
    needed = sum(image_bytes) + len(index.rows) * index.channels * largest * largest
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise _full(folder, f"{needed / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB free")


def _full(folder: Path, detail: str) -> DataError:
    return DataError(
        f"the disk is full: {detail}", where=str(folder), hint="free some space, or run: sweeper data gc"
    )


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        _sweep_leftovers(folder)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(folder, error.strerror or "") from error
        raise DataError(
            f"the store cannot be written: {error.strerror or error}", where=str(folder)
        ) from error
