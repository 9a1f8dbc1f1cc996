"""This module passes no image through a network, to learn the shapes of what comes out of its layers."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from sweeper.models import Shape

T = TypeVar("T")
Forward = Callable[[Tensor], Tensor]
_NEEDS_AN_IMAGE = (RuntimeError, ValueError, AssertionError, IndexError, ZeroDivisionError)


def shape_pass(run: Callable[[Forward, Tensor], T], module: nn.Module, shape: Shape) -> T:
    """Return what `run` makes of a network on the meta device, given as its forward pass, and no images.

    The pass has weights on the CPU: an empty batch takes no time there, and weights that nobody reads no
    memory. On the meta device itself torch loads its compiler for the first layer (1.5 CPU-seconds). That is
    the second way, with one image: for networks that want one, and for those larger than the memory. It
    raises what torch raises where shapes do not fit.
    """
    named = [*module.named_parameters(), *module.named_buffers()]
    with torch.no_grad():
        try:
            weights = {name: torch.empty(each.shape, dtype=each.dtype, device="cpu") for name, each in named}
            return run(partial(functional_call, module, weights), torch.empty(0, *shape, device="cpu"))
        except _NEEDS_AN_IMAGE:
            return run(module, torch.empty(1, *shape, device="meta"))
