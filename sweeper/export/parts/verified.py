"""Exports a network, and checks that the written file answers as the trial does."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sweeper.errors import SpecError, StateError
from sweeper.export import Format, exporter
from sweeper.export.parts.servable import servable
from sweeper.files import put_in_place
from sweeper.inference.trained_network import Opened, TrainedModel

TOLERANCE = 1e-3
COMPARED = 256
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Verified:
    """A network on disk. `worst` is the largest difference of a probability over the compared `images`."""

    path: Path
    bytes: int
    images: int
    worst: float


def export(opened: Opened, name: str, path: Path, *, scores: Mapping[str, float] | None = None) -> Verified:
    """Write the network to `path`, load it again, and compare it on up to 256 validation images.

    `opened` must be on the CPU. Nothing appears at `path` before the comparison has succeeded; a file or
    an earlier export there is replaced. StateError where an answer differs by more than 0.001.
    """
    made_of = exporter[name]()
    _check_target(path, made_of)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = opened.pixels("valid", COMPARED)
    with tempfile.TemporaryDirectory(prefix=".export.", dir=path.parent) as scratch:
        aside = Path(scratch) / path.name
        made_of.write(servable(opened.model, dict(scores or {})), aside)
        worst = _compare(opened.model, made_of, aside, pixels)
        if path.is_dir():
            shutil.rmtree(path)
        put_in_place(aside, path)
    return Verified(path, _size(path), len(pixels), worst)


def default_path(folder: Path, model: TrainedModel, name: str) -> Path:
    """Return `<folder>/<sweep>-<trial>` with the format's own ending."""
    return folder / f"{model.sweep}-{model.number}{exporter[name]().suffix or '-' + name}"


def _check_target(path: Path, made_of: Format) -> None:
    if made_of.suffix and (path.is_dir() or path.suffix != made_of.suffix):
        raise SpecError(f"--out: {path} is to be a file that ends in {made_of.suffix}")
    if not made_of.suffix and path.exists() and not (path / "MLmodel").is_file():
        problem = f"--out: {path} exists and is no earlier export"
        raise SpecError(problem, hint="name a folder that does not exist")


def _compare(model: TrainedModel, made_of: Format, aside: Path, pixels: Tensor) -> float:
    predict = made_of.load(aside)
    worst = 0.0
    for batch in pixels.split(_BATCH):
        expected = model.probabilities(batch).numpy()
        worst = max(worst, _difference(predict(batch.numpy()), expected, aside))
    # another number of images than it was traced with
    single = pixels[:1]
    return max(worst, _difference(predict(single.numpy()), model.probabilities(single).numpy(), aside))


def _difference(answers: NDArray[np.float32], expected: NDArray[np.float32], aside: Path) -> float:
    if answers.shape != expected.shape:
        raise StateError(f"gives {answers.shape} where the trial gives {expected.shape}", where=aside.name)
    worst = float(np.abs(answers - expected).max())
    if not worst <= TOLERANCE:
        problem = f"answers differ from the trial's by up to {worst:.2g}; nothing was exported"
        raise StateError(problem, where=aside.name, hint="try another format, and please report this")
    return worst


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
