"""One epoch of one trial: what is to be trained and validated, and what came of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sweeper.data.augment import augmentation
from sweeper.training.core_time import CoreTime
from sweeper.training.learner import Learner
from sweeper.training.recipe import Recipe
from sweeper.trial import derive


@dataclass(frozen=True, slots=True)
class Trained:
    """The figures of an epoch, and the seconds on the clock that training and validation took."""

    metrics: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch that a trial comes to; all that it draws follows from the trial's seed and `number`."""

    learner: Learner
    recipe: Recipe
    seed: int
    number: int
    clock: Callable[[], float]

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Seed the layers that draw, and return the batches in this epoch's order."""
        self.learner.start_epoch(derive(self.seed, "layers", self.number))
        return self.learner.data.batches(
            "train",
            batch_size=self.learner.batch_size,
            generator=torch.Generator().manual_seed(derive(self.seed, "batches", self.number)),
            augmentation=augmentation[self.recipe.augmentation](**self.recipe.augmentation_options),
            drop_last=True,
            epoch=self.number,
            device=str(self.learner.device),
        )

    def train(self) -> Trained:
        """Train and validate the trial alone."""
        began, cores = self.clock(), CoreTime.now()
        loss = self.learner.train_epoch(self.batches(), self.number)
        trained = self.clock()
        metrics = {"train/loss": loss, **self.learner.validate()}
        metrics["images_per_second"] = self.learner.images_per_epoch / max(trained - began, 1e-9)
        ended = self.clock()
        metrics["validation_seconds"] = ended - trained
        return Trained(metrics | CoreTime.now().since(cores), ended - began)
