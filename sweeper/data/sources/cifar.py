"""CIFAR-10 and CIFAR-100 from their original Python batches, read by an unpickler that runs no code."""

import hashlib
import io
import pickle
import pickletools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sweeper.data.sources import Pixels, Source, Split, source
from sweeper.data.sources.parts.array_source import ArraySource, Images
from sweeper.data.sources.parts.file_source import folder
from sweeper.errors import DataError
from sweeper.files import read_regular

_MOST_BYTES = 1 << 30  # a file; CIFAR-100 has 155 MB in one


@source("cifar10")
def cifar10(root: Path | None) -> Source:
    """Folder `cifar-10-batches-py` or the one above; any number of images a batch; has a test split."""
    top = _batches(root, "cifar10", "cifar-10-batches-py", "batches.meta")
    files = [*sorted(top.glob("data_batch_*")), top / "test_batch"]
    return _source(top, files, "batches.meta", "label_names", "labels")


@source("cifar100")
def cifar100(root: Path | None, *, labels: Literal["fine", "coarse"] = "fine") -> Source:
    """Folder `cifar-100-python` or the one above; 100 fine or 20 coarse classes; has a test split."""
    top = _batches(root, "cifar100", "cifar-100-python", "meta")
    return _source(top, [top / "train", top / "test"], "meta", f"{labels}_label_names", f"{labels}_labels")


def _empty_array(_kind: object, _shape: object, _typecode: object) -> Any:
    """Stand for NumPy's `_reconstruct`: the content sets the shape, so that a wrong one costs nothing."""
    return np.empty(0, dtype=np.uint8)


def _latin1(text: str, _encoding: str) -> bytes:
    return text.encode("latin1")


# What NumPy's own arrays and Python 2's strings need, and nothing else.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy", "ndarray"): None,  # an argument of `_reconstruct`; called, it could ask for any size
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
}


class _PlainUnpickler(pickle.Unpickler):
    """Lets only those functions through that arrays need: a pickle may name any function to call."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) in _ALLOWED:
            return _ALLOWED[module_name, global_name]
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, which image data never needs")


def _check_memory(raw: bytes) -> None:
    """Refuse a pickle that asks for more memory than it has bytes, before it is loaded.

    A batch of CIFAR takes 0.1 s.
    """
    for count, (opcode, argument, _) in enumerate(pickletools.genops(raw)):
        if opcode.name.endswith("PUT") and argument is not None and argument > count:
            raise pickle.UnpicklingError(f"it puts its object {count} into place {argument:,}")
        if opcode.proto > 4:  # from protocol 5 on a size is believed before the bytes are there
            raise pickle.UnpicklingError("it is of pickle protocol 5, image batches are of 2")


def unpickle(path: Path) -> dict[str, Any]:
    """Return the batch as a dictionary with text keys; DataError where it is damaged or asks for code."""
    try:
        raw = read_regular(path, _MOST_BYTES)
        _check_memory(raw)
        content = _PlainUnpickler(io.BytesIO(raw), encoding="latin1").load()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError) as error:
        raise DataError(f"is not a CIFAR batch: {error}", where=str(path)) from error
    except (AttributeError, ImportError, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise DataError(f"is not a CIFAR batch: {error}", where=str(path)) from error
    if not isinstance(content, dict):
        raise DataError("is not a CIFAR batch: it holds no dictionary", where=str(path))
    return {
        key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in content.items()
    }


def _batches(root: Path | None, name: str, inner: str, meta: str) -> Path:
    top = folder(root, name)
    for candidate in (top, top / inner):
        if (candidate / meta).is_file():
            return candidate
    raise DataError(
        f"holds no {inner}", where=str(top), hint=f"download it with: sweeper data fetch {name} --to {top}"
    )


def _source(top: Path, files: Sequence[Path], meta: str, names: str, labels: str) -> Source:
    digest = hashlib.blake2b(f"cifar/1/{labels}".encode(), digest_size=16)
    for path in [*files, top / meta]:
        if not path.is_file():
            raise DataError("this batch is missing", where=str(path))
        stat = path.stat()
        digest.update(f"{path.absolute()}/{stat.st_size}/{stat.st_mtime_ns}".encode())
    return ArraySource(digest.hexdigest(), 3, lambda: _load(files, top / meta, names, labels))


def _load(files: Sequence[Path], meta: Path, names: str, labels: str) -> Images:
    classes = unpickle(meta).get(names)
    if not isinstance(classes, list) or not classes:
        raise DataError(f"has no list {names!r}", where=str(meta))
    pixels: list[Pixels] = []
    numbers: list[int] = []
    splits: list[Split | None] = []
    for path in files:
        rows, row_labels = _batch(path, labels, len(classes))
        pixels.append(rows)
        numbers += row_labels
        split: Split = "test" if path.name.startswith("test") else "train"
        splits.extend(split for _ in row_labels)
    return Images(np.concatenate(pixels), numbers, [str(name) for name in classes], splits)


def _batch(path: Path, labels: str, classes: int) -> tuple[Pixels, list[int]]:
    content = unpickle(path)
    data, numbers = content.get("data"), content.get(labels)
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != 3072 or data.dtype != np.uint8:
        raise DataError("holds no `data` of 3,072 bytes a row", where=str(path))
    if not isinstance(numbers, list) or len(numbers) != len(data):
        raise DataError(f"has not one of {labels!r} for each of its {len(data)} images", where=str(path))
    if not all(isinstance(label, int) and 0 <= label < classes for label in numbers):
        raise DataError(f"has labels outside 0 to {classes - 1}", where=str(path))
    return np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), numbers
