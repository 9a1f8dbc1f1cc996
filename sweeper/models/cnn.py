"""The searched CNN: every knob of it can be a parameter of the sweep."""

import copy
import itertools
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from sweeper.errors import SpecError
from sweeper.models import Activation, Fraction, Padding, Pooling, Scheme, Shape, Width, model
from sweeper.models.parts.blocks import (
    Scaled,
    activated_pool,
    activation_layer,
    batch_norm_layer,
    convolution,
    convolved,
    dense_head,
)
from sweeper.models.parts.flip_average import Viewed
from sweeper.models.parts.random_layers import Dropout
from sweeper.models.parts.residual import Residual, SqueezeExcitation
from sweeper.models.parts.whitening import PatchWhitening


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
    pool_first: bool = False,
    residual: bool = False,
    squeeze_excitation: bool = False,
    batch_norm: bool = True,
    norm_scale: bool = True,
    norm_momentum: Annotated[float, Field(gt=0, le=1)] = 0.1,
    activation: Activation = "relu",
    whitening: bool = False,
    initial: Scheme = "he_normal",
    dropout: Fraction = 0.0,
    head_dropout: Fraction = 0.0,
    head: Literal["gap", "gmp", "flatten"] = "gap",
    dense: list[Width] = [],  # noqa: B006  (never written to; the signature is the schema)
    logit_scale: Annotated[float, Field(gt=0)] = 1.0,
    flip_average: bool = False,
) -> nn.Module:
    """`layers` blocks of (conv, BatchNorm, activation) x `convs_per_block`, 2x2 pool, dropout; then the head.

    `stride` is that of each block's first convolution. Dropout acts on the pooled map, which is cheaper
    than Keras's usual place before the pool and regularizes a little differently. With BatchNorm the
    convolutions have no bias. The study's food networks are `kernel: 2, batch_norm: false`.

    `residual` adds a block's further convolutions to what its first gives (He et al. 2015),
    `squeeze_excitation` is Hu, Shen, Sun 2018.

    With `pool_first` the pool follows a block's first convolution, before its BatchNorm. This, `whitening`,
    `initial: dirac`, `norm_scale: false`, a larger `norm_momentum`, `activation: gelu`, `head: gmp` (the
    maximum of each map), a small `logit_scale` and `flip_average` are airbench94's (Jordan 2024,
    arXiv:2404.00498).
    """
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels = shape[0]
    if whitening:
        first = PatchWhitening(channels)
        parts["whitening"], parts["whitening_activation"] = first, activation_layer(activation)
        channels = first.out_channels
    widths = block_widths(layers, filters, growth)
    blocks = (layers, convs_per_block, kernel, stride, padding)
    size = final_pixels(shape[1], *blocks, pool_first=pool_first, whitening=whitening)
    convolve = partial(convolution, kernel=kernel, padding=padding, bias=not batch_norm)
    norm = partial(batch_norm_layer, has_scale=norm_scale, momentum=norm_momentum) if batch_norm else None
    for number, (seen, width) in enumerate(itertools.pairwise([channels, *widths]), start=1):
        convs = [convolve(seen, width, stride=stride)]
        convs += [convolve(width, width) for _ in range(convs_per_block - 1)]
        block = _block(convs, norm, activated_pool(activation, pooling), pool_first=pool_first)
        if residual:
            block = _with_shortcut(block, len(convs), padding)
        if squeeze_excitation:
            block["squeeze_excitation"] = SqueezeExcitation(width)
        if dropout:
            block["dropout"] = Dropout(dropout)
        parts[f"block{number}"] = nn.Sequential(block)
    if head != "flatten":
        parts[head] = nn.AdaptiveAvgPool2d(1) if head == "gap" else nn.AdaptiveMaxPool2d(1)
    parts["flatten"] = nn.Flatten()
    features = widths[-1] * (size * size if head == "flatten" else 1)
    parts["head"] = dense_head(features, classes, dense=dense, activation=activation, dropout=head_dropout)
    if logit_scale != 1:
        parts["scale"] = Scaled(logit_scale)
    return Viewed(parts, initial=initial, views=2 if flip_average else 1)


def _block(
    convs: list[nn.Conv2d],
    norm: Callable[[int], nn.Module] | None,
    end: list[tuple[str, nn.Module]],
    *,
    pool_first: bool,
) -> "OrderedDict[str, nn.Module]":
    """Convolutions, each with its BatchNorm and activation; `end` is the pool with the last activation."""
    block: OrderedDict[str, nn.Module] = OrderedDict()
    layers = dict(end)
    for number, conv in enumerate(convs, start=1):
        block[f"conv{number}"] = conv
        if pool_first and number == 1:
            block["pool"] = layers["pool"]
        if norm:
            block[f"norm{number}"] = norm(conv.out_channels)
        if number < len(convs):
            block[f"activation{number}"] = copy.deepcopy(layers["activation"])
    return OrderedDict([*block.items(), *(each for each in end if each[0] not in block)])


def _with_shortcut(
    block: "OrderedDict[str, nn.Module]", convs: int, padding: Padding
) -> "OrderedDict[str, nn.Module]":
    """Make what follows the first convolution's activation a branch; a pool at the end stays behind it."""
    if convs < 2 or padding != "same":
        raise SpecError(
            "residual: true adds a block's further convolutions to its first, which must give equal maps",
            hint="add convs_per_block: 2 and padding: same",
        )
    names = list(block)
    start = names.index("activation1") + 1
    branch = OrderedDict((name, block[name]) for name in names[start:] if name != "pool")
    kept = OrderedDict((name, block[name]) for name in names[:start])
    tail = {"pool": block["pool"]} if "pool" in names[start:] else {}
    return OrderedDict([*kept.items(), ("residual", Residual(nn.Sequential(branch))), *tail.items()])


def block_widths(layers: int, filters: int | list[int], growth: str) -> list[int]:
    """Return the filters of each block; SpecError where a list does not fit the number of blocks."""
    if isinstance(filters, int):
        return [filters * 2**block if growth == "double" else filters for block in range(layers)]
    if len(filters) != layers:
        raise SpecError(
            f"filters has {len(filters)} values for {layers} layers", hint="write `per: layers` or one number"
        )
    return filters


def final_pixels(
    pixels: int,
    layers: int,
    convs: int,
    kernel: int,
    stride: int,
    padding: Padding,
    *,
    pool_first: bool,
    whitening: bool,
) -> int:
    """Return the pixels a side after the last block; SpecError names the block at which nothing is left.

    A convolution gives floor((n + 2p - k) / s) + 1 pixels, a pool half of them.
    """
    size = pixels - whitening
    for block in range(1, layers + 1):
        for conv in range(convs):
            size = convolved(size, kernel, stride if conv == 0 else 1, padding)
            if conv == (0 if pool_first else convs - 1):
                size = size // 2 if size > 0 else 0
        if size < 1:
            allowed = f"at most {block - 1} block{'s' * (block > 2)}" if block > 1 else "no block at all"
            raise SpecError(
                f"pooled below 1 px at block {block} of {layers}: {pixels} px with kernel {kernel}, "
                f"stride {stride}, padding {padding}{', whitening' * whitening} allow {allowed}",
                hint="fewer layers, more pixels or `padding: same`",
            )
    return size
