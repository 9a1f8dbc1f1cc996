"""Measures whether a network that says 80 % is right in 80 of 100 cases."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Images whose best probability lies in (low, high]; both figures are NaN where there are none."""

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability table. `ece` is the gap between confidence and accuracy, averaged over images.

    `worst` is the largest gap of a bin (Guo et al. 2017 call it MCE).
    """

    bins: tuple[Bin, ...]
    ece: float
    worst: float


def calibrate(probabilities: Tensor, labels: Tensor, bins: int = BINS) -> Calibration:
    """Sort the answers into bins of equal width over the probability of the chosen class."""
    confidence, chosen = probabilities.double().max(1)
    is_right = (chosen == labels).double()
    place = (confidence * bins).ceil().long().sub(1).clamp(0, bins - 1)
    counts = torch.bincount(place, minlength=bins).tolist()
    confident = torch.bincount(place, confidence, minlength=bins).tolist()
    right = torch.bincount(place, is_right, minlength=bins).tolist()
    rows = tuple(
        Bin(
            low=number / bins,
            high=(number + 1) / bins,
            images=counts[number],
            confidence=confident[number] / counts[number] if counts[number] else math.nan,
            accuracy=right[number] / counts[number] if counts[number] else math.nan,
        )
        for number in range(bins)
    )
    gaps = [(abs(row.accuracy - row.confidence), row.images) for row in rows if row.images]
    total = max(1, len(labels))
    ece = sum(gap * images for gap, images in gaps) / total
    return Calibration(rows, ece, max((gap for gap, _ in gaps), default=0.0))
