"""Training begins with small images, ends with the trial's own: three sizes, a third of the epochs each."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from sweeper.data.dataset import Dataset
from sweeper.data.sources import Split
from sweeper.errors import SpecError
from sweeper.models import Shape
from sweeper.models.parts.shape_pass import shape_pass
from sweeper.training.network import build
from sweeper.training.recipe import Recipe, can_share, stage_of, stage_sizes, without_file


def check_progressive(recipe: Recipe, *, shape: Shape, classes: int) -> None:
    """SpecError where the network, built for `shape`, cannot be trained on smaller images first."""
    if recipe.train.progressive == 1:
        return
    if can_share(recipe):
        raise SpecError(
            "features of a frozen backbone are computed once, at one size",
            hint="leave progressive out, or write freeze: none",
            path="progressive",
        )
    with torch.device("meta"):
        module = build(without_file(recipe), shape=shape, classes=classes).eval()
    for side in dict.fromkeys(stage_sizes(recipe.pixels, recipe.train.progressive)):
        try:
            shape_pass(lambda forward, images: forward(images), module, (shape[0], side, side))
        except (RuntimeError, ValueError, AssertionError) as error:
            name = recipe.architecture
            raise SpecError(
                f"{name} built for {recipe.pixels} px takes no images of {side} px",
                hint="a network with global pooling (head: gap), a larger share, or leave progressive out",
                path="progressive",
            ) from error


class Progressive:
    """A data set whose training split grows with the epochs; all else is that of the largest size.

    Each size is decoded and normalized on its own, so that a channel has mean 0 and deviation 1 at all of
    them. Validation is at the trial's own size from the first epoch on: a checkpoint is worth what it says.
    """

    def __init__(self, stages: Mapping[int, Dataset], sizes: tuple[int, int, int], epochs: int) -> None:
        self._stages = stages
        self._sizes = sizes
        self._epochs = epochs
        self._full = stages[sizes[-1]]
        self.shape = self._full.shape
        self.classes = self._full.classes
        self.digest = self._full.digest

    def size(self, split: Split) -> int:
        """Return the number of images."""
        return self._full.size(split)

    def labels(self, split: Split) -> Tensor:
        """Return the labels in store order, int64."""
        return self._full.labels(split)

    def batches(self, split: Split, *, epoch: int = 0, **options: Any) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield what `Dataset.batches` does, in an epoch of training at its stage's size."""
        is_training = split == "train" and epoch > 0
        data = self._stages[self._sizes[stage_of(epoch, self._epochs)]] if is_training else self._full
        return data.batches(split, epoch=epoch, **options)
