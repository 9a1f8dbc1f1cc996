"""Whole-pixel shifts and mirror images: no pixel is blended with its neighbors."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

_SPREAD = 2_654_435_761  # Knuth's multiplier: neighboring rows get unrelated coins


@dataclass(frozen=True)
class Translate:
    """Shifts each image by up to that share of its side, in whole pixels; the edge reflects what enters.

    Random crops of a padded image (He et al. 2015), with the padding of airbench94 (Jordan 2024).
    """

    share: float
    columns: ClassVar[int] = 2

    def ready(self, drawn: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return which rows and which columns are seen."""
        height, width = images.shape[2:]
        down, across = (
            ((2 * drawn[axis] - 1) * (int(self.share * side) + 0.5)).round().long()[:, None]
            + torch.arange(side, device=drawn.device)
            for axis, side in enumerate((height, width))
        )
        return _reflected(down, height)[:, :, None], _reflected(across, width)[:, None]

    def __call__(self, images: Tensor, *ready: Tensor) -> Tensor:
        """Look the pixels up."""
        y, x = ready
        each = torch.arange(len(images), device=images.device)[:, None, None]
        return images.permute(0, 2, 3, 1)[each, y, x].permute(0, 3, 1, 2)


def mirror_coins(rows: Tensor, epoch: int) -> Tensor:
    """Say which images an epoch mirrors: each in every second one, half of them in odd ones.

    Any two epochs show an image both ways. Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
    section 3.6. `rows` says which images these are.
    """
    return ((rows * _SPREAD >> 16) + epoch & 1).bool()


def mirrored(images: Tensor, coins: Tensor) -> Tensor:
    """Mirror the images whose coin is true."""
    return torch.where(coins[:, None, None, None], images.flip(-1), images)


def _reflected(places: Tensor, side: int) -> Tensor:
    last = side - 1
    return last - (last - places.abs()).abs() if side > 1 else torch.zeros_like(places)
