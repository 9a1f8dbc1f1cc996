"""Seeded textures, one frequency, direction and tint a class: any size and count, no files."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from sweeper.data.sources import Item, Pixels, Source, source
from sweeper.trial import derive


@source("synthetic")
def synthetic(
    root: Path | None,
    *,
    classes: Annotated[int, Field(ge=2, le=100_000)] = 10,
    per_class: Annotated[int, Field(ge=1)] = 100,
    size: Annotated[int, Field(ge=4, le=4096)] = 32,
    channels: Annotated[int, Field(ge=1, le=3)] = 3,
    noise: Annotated[float, Field(ge=0, le=1)] = 0.2,
    seed: int = 0,
) -> Source:
    """Gratings under noise: `noise` 0 is trivial, 1 hardly learnable. Images are drawn when they are read."""
    return _Textures(classes, per_class, size, 1 if channels == 1 else 3, noise, seed)


class _Textures:
    max_bad = 0.0
    notes = ()
    layout = ""

    def __init__(
        self, classes: int, per_class: int, size: int, channels: int, noise: float, seed: int
    ) -> None:
        self.fingerprint = f"synthetic/2/{classes}/{per_class}/{size}/{channels}/{noise}/{seed}"
        self.channels = channels
        self.classes = [f"texture {label}" for label in range(classes)]
        self.items = [
            Item(f"{label}/{number}", label) for label in range(classes) for number in range(per_class)
        ]
        self._size = size
        self._noise = noise
        self._seed = seed

    def read(self, index: int) -> Pixels:
        item = self.items[index]
        look = np.random.default_rng(derive(self._seed, "class", item.label))
        image = np.random.default_rng(derive(self._seed, "image", item.key))
        angle, waves = look.uniform(0, np.pi), look.uniform(1.5, max(2.0, self._size / 6))
        tint = look.uniform(0.3, 1.0, self.channels)
        across = np.linspace(0, 2 * np.pi, self._size, endpoint=False)
        ramp = np.add.outer(np.sin(angle) * across, np.cos(angle) * across)
        wave = 0.5 + 0.5 * np.sin(waves * ramp + image.uniform(0, 2 * np.pi))
        grain = image.normal(0, self._noise, (self._size, self._size, self.channels))
        return (np.clip(wave[..., None] * tint + grain, 0, 1) * 255).astype(np.uint8)
