"""Scores a network on a split, as many images at once as the device's memory holds."""

import math
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from sweeper.data.batches import Data
from sweeper.data.pieces import Pieces
from sweeper.training.device import autocast
from sweeper.training.metrics import Tally

_MOST_ON_GPU, _MOST_ON_CPU = 1024, 256  # more are no faster
_BYTES = 1280  # of memory that there should be for a number of the input: a hundred feature maps, three times
_CPU_MEMORY = 4 * 2**30  # what a trial may count on, whatever the machine has


def evaluation_batch(shape: tuple[int, ...], device: torch.device) -> int:
    """Return how many images of this shape to begin with; memory decides, and not the training batch."""
    memory, most = _CPU_MEMORY, _MOST_ON_CPU
    if device.type == "cuda":
        memory, most = torch.cuda.get_device_properties(device).total_memory, _MOST_ON_GPU
    return max(1, min(most, memory // (_BYTES * math.prod(shape))))


class Evaluator:
    """Scores networks on one device, and remembers how many images fitted at once."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self._in_pieces = Pieces()

    def __call__(self, module: nn.Module, dataset: Data, split: Literal["valid", "test"]) -> dict[str, float]:
        """Return `<split>/loss`, `/top1`, `/top5` (k clipped to the classes) and `/balanced_top1`."""
        device, tally = self._device, Tally(self._device, len(dataset.classes))
        size = evaluation_batch(dataset.shape, device)
        module.eval()
        with torch.inference_mode():
            for images, labels in dataset.batches(split, batch_size=size, device=str(device)):
                with autocast(device, self._dtype):
                    logits = self._in_pieces(module, images).float()
                tally.add(logits, labels, F.cross_entropy(logits, labels))
        return {f"{split}/{name}": value for name, value in tally.result().items()}
