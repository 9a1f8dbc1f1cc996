"""Reads image files that a user names, and answers them as the sweep's own images were."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sweeper.data.decode import BadImage
from sweeper.data.index import Bad
from sweeper.data.sources import Pixels
from sweeper.data.sources.parts.file_source import MAX_BYTES, NOT_IMAGES, natural
from sweeper.errors import DataError
from sweeper.files import read_regular
from sweeper.inference.trained_network import TrainedModel

_BATCH = 64  # images in memory at once


@dataclass(frozen=True, slots=True)
class Guess:
    """One of the likeliest labels."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network sees in a file, the likeliest first."""

    file: str
    guesses: tuple[Guess, ...]


def expand(named: Sequence[str]) -> list[Path]:
    """Return the named files, and of a folder all below it that may be images, in natural order.

    A file that is named is taken under any name. DataError for a folder without images.
    """
    files: list[Path] = []
    for path in map(Path, named):
        if not path.is_dir():
            files.append(path)
            continue
        images = sorted(_below(path), key=lambda file: natural(str(file)))
        if not images:
            raise DataError("the folder holds no images", where=str(path))
        files += images
    return files


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (
            Path(parent, name)
            for name in names
            if not name.startswith(".") and not name.lower().endswith(NOT_IMAGES)
        )


def predict(model: TrainedModel, files: Sequence[Path], *, most: int = 5) -> Iterator[Prediction | Bad]:
    """Yield one answer a file, in order, as soon as its batch is done; an unusable file gives a `Bad`."""
    with ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)))) as pool:
        for start in range(0, len(files), _BATCH):
            chunk = files[start : start + _BATCH]
            read = list(pool.map(lambda file: _read(model, file), chunk))
            good = [pixels for pixels in read if not isinstance(pixels, Bad)]
            guesses = iter(_guesses(model, good, most) if good else ())
            for file, pixels in zip(chunk, read, strict=True):
                yield pixels if isinstance(pixels, Bad) else Prediction(str(file), next(guesses))


def read_pixels(model: TrainedModel, file: Path) -> Pixels:
    """Read one file as the network's preprocessing takes it; DataError says why that is impossible."""
    read = _read(model, file)
    if isinstance(read, Bad):
        raise DataError(read.reason, where=read.key)
    return read


def _read(model: TrainedModel, file: Path) -> Pixels | Bad:
    try:
        return model.decode(read_regular(file, MAX_BYTES))
    except OSError as error:
        return Bad(str(file), error.strerror or str(error))
    except BadImage as error:
        return Bad(str(file), str(error))


def _guesses(model: TrainedModel, images: Sequence[Pixels], most: int) -> Iterable[tuple[Guess, ...]]:
    likeliest = model.probabilities(torch.from_numpy(np.stack(images))).topk(min(most, len(model.classes)))
    for values, places in zip(likeliest.values.tolist(), likeliest.indices.tolist(), strict=True):
        yield tuple(Guess(model.classes[place], value) for value, place in zip(values, places, strict=True))
