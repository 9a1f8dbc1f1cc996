"""Measures how much worse a network gets on turned, moved or mirrored images: the food study's table."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sweeper.data.augment.parts.affine import matrices, resample
from sweeper.data.augment.parts.draws import uniform
from sweeper.data.sources import Split
from sweeper.inference.trained_network import Opened
from sweeper.training.metrics import clipped_top, true_ranks
from sweeper.trial import derive

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What every image suffers: `rotation` in degrees to one side or the other, `shift` as a share of the
    side to the left, right, top or bottom, drawn for each image; what comes from outside repeats the border.
    """

    name: str
    rotation: float = 0.0
    shift: float = 0.0
    is_mirrored: bool = False
    is_upended: bool = False

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return the same images, disturbed."""
        rows, device = len(images), images.device
        drawn = uniform(rows, 2, generator, device)
        side = torch.where(drawn[0] < 0.5, -1.0, 1.0)
        is_sideways = drawn[1] < 0.5
        move = side * self.shift
        still = torch.zeros_like(move)
        shift = torch.stack([torch.where(is_sideways, move, still), torch.where(is_sideways, still, move)])
        flip = torch.ones(2, rows, device=device)
        flip[0] *= -1 if self.is_mirrored else 1
        flip[1] *= -1 if self.is_upended else 1
        angle = side * math.radians(self.rotation)
        return resample(images, matrices(angle, shift, torch.ones_like(angle), flip))


DISTURBANCES = (
    Disturbance("rotation 45°", rotation=45),
    Disturbance("rotation 180°", rotation=180),
    Disturbance("shift 0.1", shift=0.1),
    Disturbance("shift 0.2", shift=0.2),
    Disturbance("shift 0.3", shift=0.3),
    Disturbance("shift 0.4", shift=0.4),
    Disturbance("flip left-right", is_mirrored=True),
    Disturbance("flip top-bottom", is_upended=True),
)


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Accuracies of one split under one disturbance."""

    name: str
    top1: float
    top5: float


def sensitivity(opened: Opened, split: Split) -> Iterator[Sensitivity]:
    """Return one row a disturbance; the draws are the same for every network, so that trials compare."""
    model, dataset = opened.model, opened.dataset
    k = clipped_top(len(model.classes))
    for disturbance in DISTURBANCES:
        generator = torch.Generator().manual_seed(derive(0, "sensitivity", disturbance.name))
        hits, images = torch.zeros(2, dtype=torch.int64, device=model.device), 0
        batches = dataset.batches(
            split, batch_size=_BATCH, generator=generator, augmentation=disturbance, device=model.device
        )
        for batch, labels in batches:
            ranks = true_ranks(model.logits(batch), labels)
            hits += torch.stack([(ranks < 1).sum(), (ranks < k).sum()])
            images += len(labels)
        top1, top5 = (hits.double() / max(1, images)).tolist()
        yield Sensitivity(disturbance.name, top1, top5)
