"""The 1,797 handwritten digits of 8 x 8 pixels that ship with scikit-learn: a sweep in seconds, offline."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import sklearn
from sklearn.datasets import load_digits

from sweeper.data.sources import Source, source
from sweeper.data.sources.parts.array_source import ArraySource, Images


@source("digits")
def digits(root: Path | None) -> Source:
    """Ten classes, gray, 8 x 8; the store enlarges them to the pixels asked for. `root` is not used."""
    return ArraySource(f"digits/{sklearn.__version__}", 1, _load)


def _load() -> Images:
    bunch = cast(dict[str, Any], load_digits())
    pixels = np.rint(np.asarray(bunch["images"]) * (255 / 16)).astype(np.uint8)[..., None]
    return Images(pixels, np.asarray(bunch["target"]).tolist(), [str(name) for name in bunch["target_names"]])
