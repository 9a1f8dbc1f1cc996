"""Scores a network's answers: overall, class by class, and by the classes that it confuses."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sweeper.inference.calibration import Calibration, calibrate
from sweeper.training.metrics import clipped_top, true_ranks

MOST_PAIRS = 20


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class. `top1` is its recall; None where the class has no image, or was never predicted."""

    name: str
    images: int
    top1: float | None
    top5: float | None
    precision: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Images of `true` that were taken for `predicted`; `share` is that of all images of `true`."""

    true: str
    predicted: str
    images: int
    share: float


@dataclass(frozen=True)
class Scores:
    """The scores of one split. `k` is that of "top-5", clipped to the number of classes.

    `confusion` counts images by (true class, predicted class); `hits` those by class whose true class is
    among the first k. Ties count against the network in top-1 and top-5, as in training; the confusion
    matrix takes the first of equals.
    """

    classes: tuple[str, ...]
    k: int
    loss: float
    top1: float
    top5: float
    confusion: NDArray[np.int64]
    hits: NDArray[np.int64]
    calibration: Calibration

    @property
    def images(self) -> int:
        """Number of images scored."""
        return int(self.confusion.sum())

    @property
    def balanced_top1(self) -> float:
        """The mean of the classes' top-1, in which rare classes count as much as others."""
        recalls = [row.top1 for row in self.per_class() if row.top1 is not None]
        return sum(recalls) / len(recalls) if recalls else 0.0

    def per_class(self) -> list[ClassScore]:
        """Return the score of every class, in label order."""
        of_class, as_class = self.confusion.sum(1), self.confusion.sum(0)
        right = self.confusion.diagonal()
        return [
            ClassScore(
                name=name,
                images=int(of_class[place]),
                top1=_share(right[place], of_class[place]),
                top5=_share(self.hits[place], of_class[place]),
                precision=_share(right[place], as_class[place]),
            )
            for place, name in enumerate(self.classes)
        ]

    def confused_pairs(self, most: int = MOST_PAIRS) -> list[Pair]:
        """Return the pairs with the most images; among equals the larger share comes first."""
        return sorted(self._pairs(), key=lambda pair: (-pair.images, -pair.share, pair.true))[:most]

    def _pairs(self) -> Iterator[Pair]:
        of_class = self.confusion.sum(1)
        for true, predicted in np.argwhere(self.confusion):
            if true != predicted:
                images = int(self.confusion[true, predicted])
                yield Pair(self.classes[true], self.classes[predicted], images, images / int(of_class[true]))


def score(logits: Tensor, labels: Tensor, classes: tuple[str, ...]) -> Scores:
    """Score logits (rows, classes) against labels, on any device."""
    count, k = len(classes), clipped_top(len(classes))
    ranks = true_ranks(logits, labels)
    cells = labels * count + logits.argmax(1)
    confusion = torch.bincount(cells, minlength=count * count).view(count, count)
    hits = torch.bincount(labels[ranks < k], minlength=count)
    return Scores(
        classes=classes,
        k=k,
        loss=F.cross_entropy(logits.double(), labels).item(),
        top1=(ranks < 1).double().mean().item(),
        top5=(ranks < k).double().mean().item(),
        confusion=confusion.cpu().numpy(),
        hits=hits.cpu().numpy(),
        calibration=calibrate(logits.softmax(1), labels),
    )


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part) / float(whole) if whole else None
