"""The searched CNN: every knob of it can be a parameter of the sweep."""

import itertools
from collections import OrderedDict
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from sweeper.errors import SpecError
from sweeper.models import Activation, Fraction, Padding, Pooling, Shape, Width, model
from sweeper.models.parts.blocks import activated_pool, activation_layer, convolution, convolved, dense_head
from sweeper.models.parts.random_layers import Dropout


@model("cnn")
def cnn(
    shape: Shape,
    classes: int,
    *,
    layers: Annotated[int, Field(ge=1, le=8)] = 3,
    convs_per_block: Annotated[int, Field(ge=1, le=8)] = 1,
    filters: Width | list[Width] = 32,
    growth: Literal["constant", "double"] = "constant",
    kernel: Annotated[int, Field(ge=1, le=31)] = 3,
    stride: Annotated[int, Field(ge=1, le=8)] = 1,
    padding: Padding = "same",
    pooling: Pooling = "max",
    batch_norm: bool = True,
    activation: Activation = "relu",
    dropout: Fraction = 0.0,
    head_dropout: Fraction = 0.0,
    head: Literal["gap", "flatten"] = "gap",
    dense: list[Width] = [],  # noqa: B006  (never written to; the signature is the schema)
) -> nn.Module:
    """`layers` blocks of (conv, BatchNorm, activation) x `convs_per_block`, 2x2 pool, dropout; then the head.

    `stride` is that of each block's first convolution. Dropout acts on the pooled map, which is cheaper
    than Keras's usual place before the pool and regularizes a little differently. With BatchNorm the
    convolutions have no bias. The study's food networks are `kernel: 2, batch_norm: false`.
    """
    widths = block_widths(layers, filters, growth)
    pixels = final_pixels(
        shape[1], layers=layers, convs=convs_per_block, kernel=kernel, stride=stride, padding=padding
    )
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (channels, width) in enumerate(itertools.pairwise([shape[0], *widths]), start=1):
        block: OrderedDict[str, nn.Module] = OrderedDict()
        for conv in range(1, convs_per_block + 1):
            step, seen = (stride, channels) if conv == 1 else (1, width)
            block[f"conv{conv}"] = convolution(
                seen, width, kernel, stride=step, padding=padding, bias=not batch_norm
            )
            if batch_norm:
                block[f"norm{conv}"] = nn.BatchNorm2d(width)
            if conv < convs_per_block:
                block[f"activation{conv}"] = activation_layer(activation)
        block.update(activated_pool(activation, pooling))
        if dropout:
            block["dropout"] = Dropout(dropout)
        parts[f"block{number}"] = nn.Sequential(block)
    if head == "gap":
        parts["gap"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    features = widths[-1] if head == "gap" else widths[-1] * pixels * pixels
    parts["head"] = dense_head(features, classes, dense=dense, activation=activation, dropout=head_dropout)
    return nn.Sequential(parts)


def block_widths(layers: int, filters: int | list[int], growth: str) -> list[int]:
    """Return the filters of each block; SpecError where a list does not fit the number of blocks."""
    if isinstance(filters, int):
        return [filters * 2**block if growth == "double" else filters for block in range(layers)]
    if len(filters) != layers:
        raise SpecError(
            f"filters has {len(filters)} values for {layers} layers", hint="write `per: layers` or one number"
        )
    return filters


def final_pixels(pixels: int, *, layers: int, convs: int, kernel: int, stride: int, padding: Padding) -> int:
    """Return the pixels a side after the last block; SpecError names the block at which nothing is left.

    A convolution gives floor((n + 2p - k) / s) + 1 pixels, a pool half of them.
    """
    size = pixels
    for block in range(1, layers + 1):
        for conv in range(convs):
            size = convolved(size, kernel, stride if conv == 0 else 1, padding)
        size = size // 2 if size > 0 else 0
        if size < 1:
            allowed = f"at most {block - 1} block{'s' * (block > 2)}" if block > 1 else "no block at all"
            raise SpecError(
                f"pooled below 1 px at block {block} of {layers}: {pixels} px with kernel {kernel}, "
                f"stride {stride}, padding {padding} allow {allowed}",
                hint="fewer layers, more pixels or `padding: same`",
            )
    return size
