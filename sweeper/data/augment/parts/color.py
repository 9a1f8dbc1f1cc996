"""Brightness, contrast, saturation and erased patches, for a whole batch at once."""

import torch
from torch import Tensor

from sweeper.data.augment.parts.affine import uniform

_GRAY = (0.299, 0.587, 0.114)


def jitter(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Multiply brightness, contrast and saturation by factors within 1 +- strength, and clip to 0 to 1."""
    factors = 1 + strength * (uniform(len(images), 3, generator, images.device) * 2 - 1)
    bright, contrast, saturation = factors.view(3, -1, 1, 1, 1)
    images = images * bright
    gray = _gray(images)
    mean = gray.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * contrast + mean
    if images.shape[1] == 3:
        gray = (gray - mean) * contrast + mean
        images = (images - gray) * saturation + gray
    return images.clamp(0, 1)


def erase(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Paint a square of 2 to 20 % of the area in the image's mean color, in that share of the images."""
    drawn = uniform(len(images), 4, generator, images.device)
    side = (0.02 + 0.18 * drawn[1]).sqrt()
    return _painted(images, drawn[2:] * (1 - side), side, drawn[0] < probability)


def cutout(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Paint a square with that share of the side anywhere, also over the edge (DeVries, Taylor 2017)."""
    drawn = uniform(len(images), 2, generator, images.device)
    side = torch.full_like(drawn[0], share)
    return _painted(images, drawn - side / 2, side, side > 0)


def _painted(images: Tensor, corner: Tensor, side: Tensor, hit: Tensor) -> Tensor:
    """Fill squares with the image's mean color; `corner` (2, n) is left and top, in shares of the side."""
    height, width = images.shape[2:]
    x = (torch.arange(width, device=images.device) + 0.5) / width
    y = (torch.arange(height, device=images.device) + 0.5) / height
    left, top, side = corner[0, :, None], corner[1, :, None], side[:, None]
    inside = ((y >= top) & (y < top + side))[:, :, None] & ((x >= left) & (x < left + side))[:, None]
    inside &= hit[:, None, None]
    return torch.where(inside[:, None], images.mean((2, 3), keepdim=True), images)


def _gray(images: Tensor) -> Tensor:
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    red, green, blue = images.split(1, 1)
    return red * _GRAY[0] + green * _GRAY[1] + blue * _GRAY[2]
