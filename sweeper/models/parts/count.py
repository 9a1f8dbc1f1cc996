"""Counts a network's parameters as Keras does, and makes a table of its layers."""

import copy
import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sweeper.models import Shape
from sweeper.models.parts.flip_average import single_view
from sweeper.models.parts.shape_pass import Forward, shape_pass


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer: its output without the batch, and the work of one image's forward pass."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    flops: int


def count(module: nn.Module) -> int:
    """Count weights, biases and all four vectors of a BatchNorm, as Keras does for "total params"."""
    return sum(p.numel() for p in module.parameters()) + moving_statistics(module)


def moving_statistics(module: nn.Module) -> int:
    """Count moving means and variances: Keras's "non-trainable" share of `count`."""
    return sum(
        buffer.numel()
        for name, buffer in module.named_buffers()
        if name.rpartition(".")[2] in ("running_mean", "running_var")
    )


def flops(module: nn.Module, shape: Shape) -> int:
    """Count the floating-point operations of one image's forward pass; a multiply-add is two."""
    return sum(row.flops for row in layer_table(module, shape))


def layer_table(module: nn.Module, shape: Shape) -> list[LayerRow]:
    """List the layers in the order of the forward pass, without computing anything.

    A network that averages over mirrored images counts one of its passes. It works on a copy, and raises what
    torch raises where shapes do not fit.
    """
    on_meta = all(p.is_meta for p in module.parameters())
    twin = module if on_meta else copy.deepcopy(module).to("meta")

    def run(forward: Forward, images: Tensor) -> list[LayerRow]:
        rows: list[LayerRow] = []
        with _evaluating(twin), single_view(twin), _rows_into(twin, rows):
            forward(images)
        return rows

    return shape_pass(run, twin, shape)


@contextmanager
def _evaluating(module: nn.Module) -> Generator[None]:
    before = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(before)


@contextmanager
def _rows_into(module: nn.Module, rows: list[LayerRow]) -> Generator[None]:
    def watch(name: str, layer: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
            if isinstance(output, Tensor):
                shape = tuple(output.shape[1:])
                work = _flops(layer, math.prod(shape))
                rows.append(LayerRow(name, type(layer).__name__, shape, count(layer), work))

        return layer.register_forward_hook(note)

    leaves = [(name, part) for name, part in module.named_modules() if not any(part.children())]
    handles = [watch(name, part) for name, part in leaves]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _flops(layer: nn.Module, outputs: int) -> int:
    """Count the operations; normalization, activations and pooling count one for each value they give."""
    if isinstance(layer, nn.Conv2d):
        return 2 * outputs * math.prod(layer.kernel_size) * layer.in_channels // layer.groups
    if isinstance(layer, nn.Linear):
        return 2 * outputs * layer.in_features
    return 0 if isinstance(layer, nn.Flatten | nn.Identity) else outputs
