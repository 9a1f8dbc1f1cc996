"""What a network takes: its parameters, the operations of an image, the time that one image takes."""

import statistics
import time

import torch
from torch import nn

from sweeper.models import Shape
from sweeper.models.parts.count import count, flops
from sweeper.training.device import autocast

FIGURES = ("parameters", "operations", "milliseconds")
_WARM_UP, _RUNS = 3, 21


def counted_figures(module: nn.Module, shape: Shape) -> dict[str, float]:
    """Return what can be told without computing: `parameters`, and `operations` of one forward pass."""
    return {"parameters": float(count(module)), "operations": float(flops(module, shape))}


def network_figures(
    module: nn.Module, shape: Shape, *, device: torch.device, dtype: torch.dtype
) -> dict[str, float]:
    """Add `milliseconds`: the median of one image alone on the device, as it lies there, without decoding."""
    was_training = module.training
    module.eval()
    images = torch.zeros(1, *shape, device=device).to(memory_format=torch.channels_last)
    try:
        with torch.inference_mode(), autocast(device, dtype):
            taken = [_seconds(module, images) for _ in range(_WARM_UP + _RUNS)]
    finally:
        module.train(was_training)
    return counted_figures(module, shape) | {"milliseconds": 1000 * statistics.median(taken[_WARM_UP:])}


def _seconds(module: nn.Module, images: torch.Tensor) -> float:
    began = time.perf_counter()
    module(images)
    if images.is_cuda:
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - began
