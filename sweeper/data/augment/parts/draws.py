"""Draws what an epoch's images are changed by, all at once: a batch then looks its own up."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import torch
from torch import Tensor

BLOCK = (
    16_384  # images for which changes are made ready at once: a batch's share of those steps is a fraction
)


class Alteration(Protocol):
    """One step of an augmentation. `columns` is how many numbers between 0 and 1 an image takes."""

    columns: ClassVar[int]

    def ready(self, drawn: Tensor, images: Tensor) -> tuple[Tensor, ...]:
        """What many images are changed by, a row each; drawn is (columns, rows), `images` tell the size."""
        ...

    def __call__(self, images: Tensor, *ready: Tensor) -> Tensor:
        """Return the images of a batch, changed by their rows of what was made ready."""
        ...


def uniform(rows: int, columns: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Draw numbers in [0, 1) on the generator's device and move them, so that CPU and GPU see one stream."""
    drawn = torch.empty(columns, rows, device=generator.device)
    return drawn.uniform_(generator=generator).to(device, non_blocking=True)


class Draws:
    """The numbers of so many images, one draw and one copy for all, and the changes that take them."""

    def __init__(
        self, changes: Sequence[Alteration], count: int, generator: torch.Generator, device: torch.device
    ) -> None:
        columns = [change.columns for change in changes]
        self._changes = changes
        self._drawn = uniform(count, sum(columns), generator, device).split(columns) if changes else ()
        self._block = slice(0, 0)
        self._ready: list[tuple[Tensor, ...]] = []

    def __call__(self, images: Tensor, start: int) -> Tensor:
        """Alteration the batch whose first image is the epoch's image number `start`, from 0."""
        if not self._changes:
            return images
        end = start + len(images)
        if not self._block.start <= start <= end <= self._block.stop:
            self._block = slice(start, start + max(BLOCK, len(images)))
            self._ready = [
                change.ready(drawn[:, self._block], images)
                for change, drawn in zip(self._changes, self._drawn, strict=True)
            ]
        rows = slice(start - self._block.start, end - self._block.start)
        for change, ready in zip(self._changes, self._ready, strict=True):
            images = change(images, *(each[rows] for each in ready))
        return images
