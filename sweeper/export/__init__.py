"""Formats in which a trained network leaves the sweep; one module a format.

Each takes uint8 images (rows, height, width, channels) and gives probabilities (rows, classes), so that
its user needs to know neither the normalization nor the framework. To add one, put a module here
with a decorated function that returns its `Format`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sweeper.export.parts.servable import Servable
from sweeper.registry import Registry

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Format:
    """How a network is written, and read again without the sweep. `suffix` is empty for a folder."""

    suffix: str
    write: Callable[[Servable, Path], None]
    load: Callable[[Path], Predict]


exporter: Registry[Callable[[], Format]] = Registry("format", "sweeper.export")
