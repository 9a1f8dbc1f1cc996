"""Preprocessing and network as one module, and the card that says what it is."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from sweeper.data.normalize import Fitted, Transform
from sweeper.inference.trained_network import TrainedModel
from sweeper.models import Shape

EXAMPLES = 2  # a batch of one would fix the batch size in what is traced


class Pipeline(nn.Module):
    """uint8 images (rows, height, width, channels) in, probabilities (rows, classes) out."""

    def __init__(self, network: nn.Module, transform: Transform) -> None:
        super().__init__()
        self.network = network
        self.transform = transform

    def forward(self, pixels: Tensor) -> Tensor:
        """Compute in float32, whatever type the trial was trained in."""
        images = pixels.permute(0, 3, 1, 2).to(torch.float32) / 255
        return self.network(self.transform(images)).softmax(1)


@dataclass(frozen=True)
class Servable:
    """What an exporter writes. `card` is JSON: class names, the input's meaning, the origin."""

    pipeline: nn.Module
    shape: Shape
    fitted: Fitted
    card: dict[str, Any]

    @property
    def example(self) -> Tensor:
        """Two black images, with which the pipeline is traced."""
        channels, height, width = self.shape
        return torch.zeros(EXAMPLES, height, width, channels, dtype=torch.uint8)


def servable(model: TrainedModel, scores: dict[str, float]) -> Servable:
    """Make the model, which must be on the CPU, ready to be written."""
    pipeline = Pipeline(model.module, model.transform).eval().requires_grad_(requires_grad=False)
    made = Servable(pipeline, model.shape, model.fitted, _card(model, scores))
    with torch.no_grad():
        pipeline(
            made.example
        )  # a normalization may make its constants in its first call, which tracing would keep
    return made


def _card(model: TrainedModel, scores: dict[str, float]) -> dict[str, Any]:
    channels, height, width = model.shape
    recipe = model.recipe
    return {
        "made_by": f"sweeper {version('sweeper')}",
        "sweep": model.sweep,
        "trial": model.number,
        "trial_key": model.id,
        "epoch": model.epoch,
        "scores": scores,
        "classes": list(model.classes),
        "input": {
            "name": "pixels",
            "dtype": "uint8",
            "shape": ["rows", height, width, channels],
            "colours": "grey" if channels == 1 else "RGB",  # codespell:ignore colours
            "resize": "upright, transparency on white, squeezed to the square: PIL BILINEAR, reducing_gap 2",
        },
        "output": {"name": "probabilities", "dtype": "float32", "shape": ["rows", len(model.classes)]},
        "architecture": recipe.architecture,
        "options": dict(recipe.model_options),
        "normalization": recipe.normalization,
        "normalization_options": dict(recipe.normalization_options),
    }
