"""A network with its optimizer on a device, which is trained, saved and loaded."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sweeper.config.sections import TrainSpec
from sweeper.data.batches import Data
from sweeper.models.parts.random_layers import share_generator
from sweeper.models.parts.whitening import whitening_layers
from sweeper.training.averaging import AveragedWeights, averaged_weights
from sweeper.training.batch import Throughput, batch_and_rate, even_batches
from sweeper.training.device import CudaGraphs, Graphs, compute_dtype, training_dtype
from sweeper.training.feature_cache import shared_features
from sweeper.training.network import build_initialized, portable_state, restore_state
from sweeper.training.optim import (
    balanced_weights,
    build_loss,
    build_optimizer,
    can_capture,
    learning_rate,
    set_learning_rate,
)
from sweeper.training.recipe import Recipe, can_share
from sweeper.training.step import GraphedStepper, Stepper
from sweeper.training.validation import Evaluator

_FITTING_BATCH, _FITTING_BATCHES = 128, 8


@dataclass(frozen=True, slots=True)
class Learner:
    """One trial's network in training, and the data that it trains on.

    `module` is the part that is computed in each step: the whole network, or its head where the frozen rest
    was computed before. `batch_size` is `asked` made even; a later attempt must ask for `asked` again.
    """

    whole: nn.Module
    module: nn.Module
    data: Data
    optimizer: torch.optim.Optimizer
    step: Stepper | GraphedStepper
    generator: torch.Generator
    train: TrainSpec
    averaged: AveragedWeights | None
    device: torch.device
    dtype: torch.dtype
    evaluate: Evaluator
    batch_size: int
    steps: int
    asked: int

    @classmethod
    def build(
        cls,
        recipe: Recipe,
        dataset: Data,
        *,
        seed: int,
        device: torch.device,
        batch_size: int | None = None,
        rate: float | None = None,
        cache: Path | None = None,
        graphs: Graphs | None = None,
        throughput: Throughput | None = None,
    ) -> "Learner":
        """Draw the weights from the seed and put all on the device, channels last (1.7x as fast on a CPU).

        `batch_size` and `rate` are those of an earlier attempt, which found them automatically on another
        device; `throughput` stands in for measuring this one. With a `cache`, a frozen backbone's vectors are
        computed once for all trials and the head alone is trained. A GPU replays the step as one of its own
        `graphs`.
        """
        classes = len(dataset.classes)
        whole = build_initialized(recipe, shape=dataset.shape, classes=classes, seed=seed)
        whole = whole.to(device).to(memory_format=torch.channels_last)
        dtype = compute_dtype(recipe.train, device)
        module, data = whole, dataset
        if cache is not None and can_share(recipe):
            module = whole.get_submodule("head")
            data = shared_features(whole, recipe, dataset, cache=cache, device=device, dtype=dtype)
        wanted, train = batch_and_rate(
            module,
            recipe,
            data,
            device,
            earlier=None if batch_size is None else (batch_size, rate),
            cache=cache,
            throughput=throughput,
        )
        size, steps = even_batches(data.size("train"), wanted)
        averaged = averaged_weights(whole, module, recipe.train)
        generator = torch.Generator(device)
        share_generator(module, generator)
        if graphs is None and device.type == "cuda":
            graphs = CudaGraphs(device)
        optimizer = build_optimizer(module, train, device, is_recorded=graphs is not None)
        step = _stepper(module, optimizer, train, data, device)
        if train.compile and device.type == "cuda":  # on a CPU it halves the speed
            module.compile()
        return cls(
            whole=whole,
            module=module,
            data=data,
            optimizer=optimizer,
            step=GraphedStepper(step, [generator], graphs) if graphs and can_capture(train) else step,
            generator=generator,
            train=train,
            averaged=averaged,
            device=device,
            dtype=dtype,
            evaluate=Evaluator(device, dtype),
            batch_size=size,
            steps=steps,
            asked=wanted,
        )

    @property
    def images_per_epoch(self) -> int:
        """How many images an epoch trains on."""
        return self.batch_size * self.steps

    def start_epoch(self, seed: int) -> None:
        """Seed the network's random layers for this epoch, so that resuming needs no generator's state."""
        self.generator.manual_seed(seed)
        self.module.train()

    def train_epoch(self, batches: Iterable[tuple[Tensor, Tensor]], epoch: int) -> float:
        """Make one update a batch and return the mean loss; wait for the device once, at the end."""
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        first, last = (epoch - 1) * self.steps, self.train.epochs * self.steps
        for step, (images, labels) in enumerate(batches, start=first):
            set_learning_rate(self.optimizer, learning_rate(self.train, step, last))
            total += self.step(images, labels)
            if self.averaged is not None:
                self.averaged.update(step)
        return total.item() / self.steps

    def validate(self) -> dict[str, float]:
        """Return loss and accuracies of the validation split, of the averaged weights where there are any."""
        return self.evaluate(self.averaged.module if self.averaged else self.module, self.data, "valid")

    @property
    def must_be_fitted(self) -> bool:
        """Whether some weights come from the training images; a trial that goes on has them already."""
        return bool(whitening_layers(self.whole))

    def fit(self, seed: int) -> None:
        """Set those weights, from some thousand images that the seed chooses."""
        generator = torch.Generator().manual_seed(seed)
        size = min(_FITTING_BATCH, self.data.size("train"))
        batches = self.data.batches("train", batch_size=size, generator=generator)
        images = [images for images, _ in itertools.islice(batches, _FITTING_BATCHES)]
        for layer in whitening_layers(self.whole):
            layer.fit(images)

    def state(self) -> dict[str, Any]:
        """Return the weights and the optimizer's memory of each parameter, as tensors and plain types.

        `model` is what answers: averaged weights where there are any; `trained` are then those that learn.
        """
        trained = portable_state(self.whole)
        weights = {"model": trained}
        if self.averaged is not None:
            weights = {"model": portable_state(self.averaged.whole), "trained": trained}
        return {
            **weights,
            "optimizer": self.optimizer.state_dict()["state"],
            "scaler": self.step.scaler.state_dict(),
            "batch_size": self.asked,
            "learning_rate": self.train.learning_rate,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave; the optimizer's settings stay those of this recipe and device."""
        restore_state(self.whole, state.get("trained", state["model"]))
        if self.averaged is not None:
            restore_state(self.averaged.whole, state["model"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})
        if state.get("scaler"):
            self.step.scaler.load_state_dict(state["scaler"])


def _stepper(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    train: TrainSpec,
    dataset: Data,
    device: torch.device,
) -> Stepper:
    weights = None
    if train.class_weights == "balanced":
        weights = balanced_weights(dataset.labels("train"), len(dataset.classes)).to(device)
    return Stepper(
        module,
        optimizer,
        build_loss(train, weights),
        device=device,
        # vectors of a frozen backbone are left in full precision: a head is no work
        dtype=training_dtype(train, device) if len(dataset.shape) == 3 else compute_dtype(train, device),
        weights=weights,
        clip_norm=train.clip_norm,
    )
