"""Epochs of several trials, trained as one and one after the other."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from sweeper.config.sections import TrainSpec
from sweeper.training.epoch import Epoch
from sweeper.training.fused import train_together
from sweeper.training.loop import stages_of
from sweeper.training.recipe import compose
from sweeper.trial import Trial


def alike(config: Mapping[str, Any], members: int) -> list[dict[str, Any]]:
    """Return trials of one kind that differ in their learning rate."""
    return [{**config, "learning_rate": 1e-3 * 1.3**number} for number in range(members)]


def pack_seconds(
    configs: Sequence[Mapping[str, Any]],
    data: Any,
    device: torch.device,
    *,
    as_one: bool,
    epochs: int,
    batch_size: int = 128,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Seconds of each epoch of all trials, validation included. The first one warms up."""
    stages = []
    for number, config in enumerate(configs):
        recipe = compose(config, TrainSpec(epochs=epochs, batch_size=batch_size))
        trial = Trial(f"t{number}", number, config, seed=number)
        stages.append(stages_of(trial, data, recipe, objective="valid/top1", device=device, clock=clock))
    found = []
    for _ in range(epochs):
        due = [next(each) for each in stages]
        assert all(isinstance(each, Epoch) for each in due)
        trained = train_together(due) if as_one else [each.train() for each in due]
        found.append(sum(each.seconds for each in trained))
        for each, figures in zip(stages, trained, strict=True):
            each.send(figures)
    for each in stages:
        each.close()
    return found
