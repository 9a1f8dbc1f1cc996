"""A trained network out of its checkpoint, and its score on the test split, which nothing else opens."""

from pathlib import Path

import torch
from torch import nn

from sweeper.data.batches import Data
from sweeper.models import Shape
from sweeper.training.checkpoint import load
from sweeper.training.device import compute_dtype, prepare
from sweeper.training.network import build, restore_state
from sweeper.training.recipe import Recipe
from sweeper.training.validation import Evaluator


def final_score(checkpoint: Path, dataset: Data, recipe: Recipe, *, device: torch.device) -> dict[str, float]:
    """Return what an `Evaluator` does of the test split, which must have images; nothing else opens it."""
    prepare(device)
    module = restore(checkpoint, recipe, shape=dataset.shape, classes=len(dataset.classes), device=device)
    dtype = compute_dtype(recipe.train, device)
    return Evaluator(device, dtype)(module, dataset, "test")


def restore(
    checkpoint: Path, recipe: Recipe, *, shape: Shape, classes: int, device: torch.device
) -> nn.Module:
    """Return a verified checkpoint's network, in evaluation; a frozen backbone comes from its own file."""
    module = build(recipe, shape=shape, classes=classes)
    restore_state(module, load(checkpoint, torch.device("cpu"))["model"], where=str(checkpoint))
    return module.to(device).to(memory_format=torch.channels_last).eval()
