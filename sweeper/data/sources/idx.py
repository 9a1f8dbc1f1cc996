"""MNIST and Fashion-MNIST from their idx files, compressed or not."""

import gzip
import hashlib
import io
import math
import zlib
from pathlib import Path

import numpy as np

from sweeper.data.sources import Pixels, Source, Split, source
from sweeper.data.sources.parts.array_source import ArraySource, Images
from sweeper.data.sources.parts.file_source import folder
from sweeper.errors import DataError
from sweeper.files import read_regular

_FASHION = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_UINT8 = 8
_MOST_BYTES = 1 << 30  # EMNIST, the largest known, has 0.55 GB
_BLOCK = 1 << 20
_FILES: dict[Split, tuple[str, str]] = {
    "train": ("train-images", "train-labels"),
    "test": ("t10k-images", "t10k-labels"),
}


@source("mnist")
def mnist(root: Path | None) -> Source:
    """Ten digits, gray, 28 px; `train-*` and `t10k-*` idx files, gz or not. Has a test split."""
    return _source(folder(root, "mnist"), "mnist", [str(digit) for digit in range(10)])


@source("fashion_mnist")
def fashion_mnist(root: Path | None) -> Source:
    """Ten kinds of clothing, gray, 28 px, in MNIST's format. Has a test split."""
    return _source(folder(root, "fashion_mnist"), "fashion_mnist", list(_FASHION))


def read_idx(path: Path, dimensions: int) -> Pixels:
    """Return the array of an idx file of uint8; DataError where it is damaged or something else."""
    try:
        raw = read_regular(path, _MOST_BYTES)
        with gzip.open(io.BytesIO(raw)) if raw[:2] == b"\x1f\x8b" else io.BytesIO(raw) as stream:
            return _read_array(stream, path, dimensions)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be read: {error}", where=str(path)) from error


def _read_array(stream: gzip.GzipFile | io.BytesIO, path: Path, dimensions: int) -> Pixels:
    """Unpack no more than the header announces, and a header announces no more than `_MOST_BYTES`."""
    length = 4 + 4 * dimensions
    header = stream.read(length)
    if len(header) < length or header[:2] != b"\0\0" or header[2] != _UINT8 or header[3] != dimensions:
        raise DataError(f"is not an idx file of bytes with {dimensions} dimensions", where=str(path))
    shape = tuple(int(side) for side in np.frombuffer(header, ">u4", dimensions, 4))
    count = math.prod(shape)
    if count > _MOST_BYTES:
        raise DataError(f"says {shape}, which is more than {_MOST_BYTES / 1e9:.1f} GB", where=str(path))
    data = bytearray()
    while len(data) <= count and (block := stream.read(min(_BLOCK, count + 1 - len(data)))):
        data += block
    if len(data) != count:
        held = "more" if len(data) > count else f"{len(data)} bytes: truncated?"
        raise DataError(f"says {shape} and holds {held}", where=str(path))
    return np.frombuffer(data, np.uint8).reshape(shape)


def _source(top: Path, name: str, classes: list[str]) -> Source:
    files: dict[Split, tuple[Path, ...]] = {
        split: tuple(_find(top, stem, name) for stem in stems) for split, stems in _FILES.items()
    }
    digest = hashlib.blake2b(f"idx/1/{name}".encode(), digest_size=16)
    for path in (path for pair in files.values() for path in pair):
        stat = path.stat()
        digest.update(f"{path.absolute()}/{stat.st_size}/{stat.st_mtime_ns}".encode())
    return ArraySource(digest.hexdigest(), 1, lambda: _load(files, classes))


def _find(top: Path, stem: str, name: str) -> Path:
    """`train-images-idx3-ubyte` or `.idx3-ubyte`, either with .gz, here or where torchvision puts it."""
    for below in (top, top / "raw", top / "MNIST" / "raw", top / "FashionMNIST" / "raw"):
        for path in sorted(below.glob(f"{stem}*ubyte*")):
            if path.is_file():
                return path
    raise DataError(
        f"holds no {stem}", where=str(top), hint=f"download it with: sweeper data fetch {name} --to {top}"
    )


def _load(files: dict[Split, tuple[Path, ...]], classes: list[str]) -> Images:
    pixels: list[Pixels] = []
    labels: list[int] = []
    splits: list[Split | None] = []
    for split, (images, answers) in files.items():
        rows, numbers = read_idx(images, 3), read_idx(answers, 1)
        if len(rows) != len(numbers):
            raise DataError(f"has {len(numbers)} labels for {len(rows)} images", where=str(answers))
        if len(numbers) and int(numbers.max()) >= len(classes):
            raise DataError(f"has labels outside 0 to {len(classes) - 1}", where=str(answers))
        pixels.append(rows[..., None])
        labels += numbers.tolist()
        splits.extend(split for _ in range(len(rows)))
    return Images(np.concatenate(pixels), labels, classes, splits)
