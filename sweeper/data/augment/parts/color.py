"""Brightness, contrast, saturation and erased patches, for a whole batch at once."""

import functools
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

_GRAY = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Jitter:
    """Multiplies brightness, contrast and saturation by factors within 1 +- strength, and clips to 0 to 1."""

    strength: float
    columns: ClassVar[int] = 3

    def ready(self, drawn: Tensor, images: Tensor) -> tuple[Tensor, ...]:
        """Return the three factors."""
        return (1 + self.strength * (drawn * 2 - 1)).view(3, -1, 1, 1, 1).unbind()

    def __call__(self, images: Tensor, *ready: Tensor) -> Tensor:
        """Move from black, from the mean and from gray in turn, or towards them."""
        bright, contrast, saturation = ready
        images = images * bright
        gray = (images * _shares(images.shape[1], images.device)).sum(1, keepdim=True)
        mean = gray.mean((2, 3), keepdim=True)
        images = torch.lerp(mean, images, contrast)
        if images.shape[1] == 3:
            images = torch.lerp(torch.lerp(mean, gray, contrast), images, saturation)
        return images.clamp_(0, 1)


@dataclass(frozen=True)
class Erase:
    """Paints a square of 2 to 20 % of the area in the image's mean color, in that share of the images."""

    probability: float
    columns: ClassVar[int] = 4

    def ready(self, drawn: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows and the columns of the squares."""
        side = (0.02 + 0.18 * drawn[1]).sqrt()
        down, across = _square(images, drawn[2:] * (1 - side), side)
        return down & (drawn[0] < self.probability).view(-1, 1, 1, 1), across

    def __call__(self, images: Tensor, *ready: Tensor) -> Tensor:
        """Paint."""
        return _painted(images, *ready)


@dataclass(frozen=True)
class Cutout:
    """Paints a square with that share of the side anywhere, also over the edge (DeVries, Taylor 2017)."""

    share: float
    columns: ClassVar[int] = 2

    def ready(self, drawn: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows and the columns of the squares."""
        side = torch.full_like(drawn[0], self.share)
        return _square(images, drawn - side / 2, side)

    def __call__(self, images: Tensor, *ready: Tensor) -> Tensor:
        """Paint."""
        return _painted(images, *ready)


def _square(images: Tensor, corner: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows (n, 1, height, 1) and columns (n, 1, 1, width) are inside.

    `corner` (2, n) is left and top, in shares of the side.
    """
    height, width = images.shape[2:]
    x = (torch.arange(width, device=corner.device) + 0.5) / width
    y = (torch.arange(height, device=corner.device) + 0.5) / height
    left, top, side = corner[0, :, None], corner[1, :, None], side[:, None]
    down, across = (y >= top) & (y < top + side), (x >= left) & (x < left + side)
    return down[:, None, :, None], across[:, None, None]


def _painted(images: Tensor, down: Tensor, across: Tensor) -> Tensor:
    return torch.where(down & across, images.mean((2, 3), keepdim=True), images)


@functools.lru_cache(maxsize=8)
def _shares(channels: int, device: torch.device) -> Tensor:
    """What each channel counts for in the gray of an image."""
    with torch.inference_mode(mode=False):
        shares = torch.tensor(_GRAY) if channels == 3 else torch.full((channels,), 1 / channels)
        return shares.view(1, -1, 1, 1).to(device)
