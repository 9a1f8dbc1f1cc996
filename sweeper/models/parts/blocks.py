"""Parts of networks: convolutions padded as Keras pads, activations, pooling, heads."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.errors import SpecError
from sweeper.models import Activation, Padding, Pooling, Shape
from sweeper.models.parts.random_layers import Dropout, MixedPool2d

_ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
_NOT_MONOTONE = ("gelu", "silu")


class SameConv2d(nn.Conv2d):
    """Gives ceil(n / stride) pixels: zeros are around, the odd one at the right and bottom, as in Keras."""

    def forward(self, input: Tensor) -> Tensor:
        """Pad by what the input's size needs."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        height, width = input.shape[-2:]
        top, bottom = _same_padding(height, kernel, int(stride))
        left, right = _same_padding(width, kernel, int(stride))
        return super().forward(F.pad(input, (left, right, top, bottom)))


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def convolution(
    channels: int, filters: int, kernel: int, *, stride: int = 1, padding: Padding = "same", bias: bool = True
) -> nn.Conv2d:
    """Make a square convolution; "same" costs no extra step where the padding is symmetric."""
    if padding == "valid" or kernel == 1 == stride:
        return nn.Conv2d(channels, filters, kernel, stride, bias=bias)
    if kernel % 2 and stride == 1:
        return nn.Conv2d(channels, filters, kernel, padding=kernel // 2, bias=bias)
    return SameConv2d(channels, filters, kernel, stride, bias=bias)


def convolved(pixels: int, kernel: int, stride: int, padding: Padding) -> int:
    """Return the pixels a side after a convolution; 0 or less where the kernel does not fit."""
    return -(-pixels // stride) if padding == "same" else (pixels - kernel) // stride + 1


def activation_layer(name: Activation) -> nn.Module:
    """Make the activation a layer of its own."""
    return _ACTIVATIONS[name]()


def pooling_layer(pooling: Pooling, kernel: int = 2, stride: int = 2) -> nn.Module:
    """Make a layer that gives one value for each window."""
    if pooling == "max":
        return nn.MaxPool2d(kernel, stride)
    return nn.AvgPool2d(kernel, stride) if pooling == "avg" else MixedPool2d(kernel, stride)


def activated_pool(activation: Activation, pooling: Pooling) -> list[tuple[str, nn.Module]]:
    """Make activation and pooling; pool first where the result is the same.

    Taking the maximum and a rising function can change places: outputs and gradients stay equal to the
    last bit, and the activation runs over a quarter of the values (2x faster training at 64 px on a CPU
    together with channels_last).
    """
    act = ("activation", activation_layer(activation))
    pool = ("pool", pooling_layer(pooling))
    return [pool, act] if pooling == "max" and activation not in _NOT_MONOTONE else [act, pool]


def batch_norm_layer(channels: int, *, has_scale: bool = True, momentum: float = 0.1) -> nn.BatchNorm2d:
    """Make a BatchNorm; without a scale it learns its shift alone (Page 2019, "How to Train Your ResNet").

    `momentum` is the share by which one batch moves the statistics that are used outside training.
    """
    layer = nn.BatchNorm2d(channels, momentum=momentum)
    layer.weight.requires_grad = has_scale
    return layer


class Scaled(nn.Module):
    """Multiplies the logits: a small factor keeps the first predictions unsure (Page 2019)."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Return the product."""
        return x * self.factor

    def extra_repr(self) -> str:
        """The factor, for layer tables."""
        return f"{self.factor}"


class Logits(nn.Linear):
    """The dense layer that gives logits: float32 also where the layers before it compute in half precision.

    bfloat16 has 8 bits, so that near logits would tie, and a tie decides a rank by the order of the classes.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the logits."""
        kind = input.device.type
        if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
            return super().forward(input)
        with torch.autocast(kind, enabled=False):
            return super().forward(input.float())


def dense_head(
    features: int,
    classes: int,
    *,
    dense: Sequence[int] = (),
    activation: Activation = "relu",
    dropout: float = 0.0,
) -> nn.Sequential:
    """Make dense layers, each followed by activation and dropout, then the logits."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, width in enumerate(dense, start=1):
        layers[f"dense{number}"] = nn.Linear(features, width)
        layers[f"activation{number}"] = activation_layer(activation)
        if dropout:
            layers[f"dropout{number}"] = Dropout(dropout)
        features = width
    if dropout and not dense:
        layers["dropout"] = Dropout(dropout)
    layers["logits"] = Logits(features, classes)
    return nn.Sequential(layers)


def fitting(name: str, shape: Shape, pixels: int) -> int:
    """Return `pixels`; SpecError where the network leaves none of an image of that shape."""
    if pixels < 1:
        raise SpecError(f"{name} leaves less than 1 px of {shape[1]} px", hint="choose more pixels")
    return pixels
