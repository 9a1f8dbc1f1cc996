"""The small CNN of the lecture notes on CIFAR-10."""

from collections import OrderedDict

from torch import nn

from sweeper.models import Shape, Width, model
from sweeper.models.parts.blocks import activated_pool, convolution, convolved, dense_head, fitting


@model("notes_cnn")
def notes_cnn(
    shape: Shape,
    classes: int,
    *,
    batch_norm: bool = False,
    dense: list[Width] = [256, 128],  # noqa: B006  (never written to; the signature is the schema)
) -> nn.Module:
    """Conv 32, 64, 128 (3x3 valid) with pools, dense 256 and 128: 258,762 parameters, 10 classes, 32 px.

    The notes' other variant is `batch_norm: true, dense: [512, 256, 128]` at 64 px.
    """
    channels, pixels, _ = shape
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, width in enumerate((32, 64, 128), start=1):
        parts[f"conv{number}"] = convolution(channels, width, 3, padding="valid")
        if batch_norm:
            parts[f"norm{number}"] = nn.BatchNorm2d(width)
        for name, layer in activated_pool("relu", "max"):
            parts[f"{name}{number}"] = layer
        channels, pixels = width, fitting("notes_cnn", shape, convolved(pixels, 3, 1, "valid") // 2)
    parts["flatten"] = nn.Flatten()
    parts["head"] = dense_head(channels * pixels**2, classes, dense=dense)
    return nn.Sequential(parts)
