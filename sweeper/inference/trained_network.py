"""A trial's network in use: pixels go in, prepared as in training, and probabilities come out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sweeper.data.decode import decode
from sweeper.data.normalize import Fitted, Transform
from sweeper.data.sources import Pixels, Raw
from sweeper.models import Shape
from sweeper.training.device import autocast
from sweeper.training.recipe import Recipe


@dataclass(frozen=True)
class TrainedModel:
    """The network of one trial's best epoch with everything that comes before it.

    `fitted` are the numbers of the normalization, `transform` is the normalization itself. `dtype` is
    the type in which activations are computed, as in training on such a device.
    """

    sweep: str
    number: int
    id: str
    epoch: int
    recipe: Recipe
    shape: Shape
    classes: tuple[str, ...]
    module: nn.Module
    fitted: Fitted
    transform: Transform
    device: torch.device
    dtype: torch.dtype

    def decode(self, raw: Raw) -> Pixels:
        """Decode one image as the store holds it, (pixels, pixels, channels) uint8; BadImage says why not."""
        channels, pixels, _ = self.shape
        return decode(raw, [pixels], channels=channels)[0]

    def normalized(self, pixels: Tensor) -> Tensor:
        """Turn uint8 images (rows, height, width, channels) into what the network takes, on its device."""
        images = pixels.to(self.device).permute(0, 3, 1, 2).to(torch.float32).div_(255)
        return self.transform(images).contiguous(memory_format=torch.channels_last)

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits of a batch that is normalized already, as `Dataset.batches` gives it."""
        with torch.inference_mode(), autocast(self.device, self.dtype):
            return self.module(images).float()

    def probabilities(self, pixels: Tensor) -> Tensor:
        """Return float32 (rows, classes) on the CPU for uint8 images (rows, height, width, channels)."""
        return self.logits(self.normalized(pixels)).softmax(1).cpu()
