"""Whole-pixel shifts and mirror images: no pixel is blended with its neighbors."""

import torch
from torch import Tensor

from sweeper.data.augment.parts.affine import uniform

_SPREAD = 2_654_435_761  # Knuth's multiplier: neighboring rows get unrelated coins


def translate(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Shift each image by up to that share of its side, in whole pixels; the edge reflects what enters.

    Random crops of a padded image (He et al. 2015), with the padding of airbench94 (Jordan 2024).
    """
    rows, _, height, width = images.shape
    drawn = uniform(rows, 2, generator, images.device)
    down, across = (
        ((2 * drawn[axis] - 1) * (int(share * side) + 0.5)).round().long()[:, None] + _steps(side, images)
        for axis, side in enumerate((height, width))
    )
    whole = images.permute(0, 2, 3, 1)
    each = torch.arange(rows, device=images.device)[:, None, None]
    y, x = _reflected(down, height)[:, :, None], _reflected(across, width)[:, None]
    return whole[each, y, x].permute(0, 3, 1, 2)


def alternately_flipped(images: Tensor, rows: Tensor, epoch: int) -> Tensor:
    """Mirror every image in every second epoch, half of them in odd ones: two epochs show each both ways.

    Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", section 3.6. `rows` says which images
    these are.
    """
    coins = (rows * _SPREAD >> 16) + epoch & 1
    return torch.where(coins.bool().to(images.device)[:, None, None, None], images.flip(-1), images)


def _steps(side: int, images: Tensor) -> Tensor:
    return torch.arange(side, device=images.device)


def _reflected(places: Tensor, side: int) -> Tensor:
    last = side - 1
    return last - (last - places.abs()).abs() if side > 1 else torch.zeros_like(places)
