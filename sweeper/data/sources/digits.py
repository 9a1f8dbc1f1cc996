"""The 1,797 handwritten digits of 8 x 8 pixels that ship with scikit-learn: a sweep in seconds, offline."""

import importlib.util
from importlib.metadata import version
from pathlib import Path

import numpy as np

from sweeper.data.sources import Source, source
from sweeper.data.sources.parts.array_source import ArraySource, Images


@source("digits")
def digits(root: Path | None) -> Source:
    """Ten classes, gray, 8 x 8; the store enlarges them to the pixels asked for. `root` is not used."""
    return ArraySource(f"digits/{version('scikit-learn')}", 1, _load)


def _load() -> Images:
    """What `sklearn.datasets.load_digits` gives, without its second of imports in every worker."""
    package = importlib.util.find_spec("sklearn")
    folder = Path(package.origin if package and package.origin else "").parent
    table = np.loadtxt(folder / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    pixels = np.rint(table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)[..., None]
    return Images(pixels, table[:, -1].astype(int).tolist(), [str(digit) for digit in range(10)])
