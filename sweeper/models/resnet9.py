"""ResNet-9 (Page 2019, "How to Train Your ResNet"), the network of the DAWNBench entries on CIFAR-10."""

from collections import OrderedDict

from torch import nn

from sweeper.models import Shape, Width, model
from sweeper.models.parts.blocks import Logits, Scaled, convolution, fitting
from sweeper.models.parts.residual import Residual

_SCALE = 0.125


@model("resnet9")
def resnet9(shape: Shape, classes: int, *, width: Width = 64) -> nn.Module:
    """Eight 3x3 convolutions, two residual branches: 6,577,610 parameters for 10 classes at 32 px."""
    fitting("resnet9", shape, shape[1] // 8)
    parts: OrderedDict[str, nn.Module] = OrderedDict(prep=_convolved(shape[0], width))
    for stage, has_branch in enumerate((True, False, True), start=1):
        seen, width = width, 2 * width
        parts[f"stage{stage}"] = _convolved(seen, width, nn.MaxPool2d(2))
        if has_branch:
            parts[f"residual{stage}"] = Residual(
                nn.Sequential(_convolved(width, width), _convolved(width, width))
            )
    parts["gmp"] = nn.AdaptiveMaxPool2d(1)
    parts["flatten"] = nn.Flatten()
    parts["logits"] = Logits(width, classes)
    parts["scale"] = Scaled(_SCALE)
    return nn.Sequential(parts)


def _convolved(channels: int, filters: int, *pool: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels, filters, 3, bias=False), nn.BatchNorm2d(filters), nn.ReLU(), *pool
    )
