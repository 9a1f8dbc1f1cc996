"""VGG (Simonyan, Zisserman 2014), trained from scratch; with ImageNet weights see `pretrained`."""

from collections import OrderedDict

from torch import nn

from sweeper.models import Fraction, Shape, model
from sweeper.models.parts.blocks import Logits, convolution, dense_head, fitting
from sweeper.models.parts.random_layers import Dropout

_WIDTHS = (64, 128, 256, 512, 512)


@model("vgg16_bn")
def vgg16_bn(shape: Shape, classes: int, *, dropout: Fraction = 0.5) -> nn.Module:
    """13 convolutions, BatchNorm after every ReLU: 33,687,882 parameters for 10 classes at 32 px."""
    parts, features = _base("vgg16_bn", shape, (2, 2, 3, 3, 3), has_norm=True)
    for number in (1, 2):
        parts[f"dense{number}"] = nn.Linear(features, 4096)
        parts[f"activation{number}"] = nn.ReLU()
        parts[f"norm{number}"] = nn.BatchNorm1d(4096)
        parts[f"dropout{number}"] = Dropout(dropout)
        features = 4096
    parts["logits"] = Logits(features, classes)
    return nn.Sequential(parts)


@model("vgg19")
def vgg19(shape: Shape, classes: int, *, dropout: Fraction = 0.5) -> nn.Module:
    """16 convolutions, no normalization, dense 4096 twice: 143,667,240 for 1000 classes at 224 px."""
    parts, features = _base("vgg19", shape, (2, 2, 4, 4, 4), has_norm=False)
    parts["head"] = dense_head(features, classes, dense=(4096, 4096), dropout=dropout)
    return nn.Sequential(parts)


def _base(
    name: str, shape: Shape, depths: tuple[int, ...], *, has_norm: bool
) -> tuple[OrderedDict[str, nn.Module], int]:
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels = shape[0]
    for block, (depth, width) in enumerate(zip(depths, _WIDTHS, strict=True), start=1):
        for conv in range(1, depth + 1):
            parts[f"conv{block}_{conv}"] = convolution(channels, width, 3)
            parts[f"activation{block}_{conv}"] = nn.ReLU()
            if has_norm:
                parts[f"norm{block}_{conv}"] = nn.BatchNorm2d(width)
            channels = width
        parts[f"pool{block}"] = nn.MaxPool2d(2)
    parts["flatten"] = nn.Flatten()
    return parts, channels * fitting(name, shape, shape[1] // 2 ** len(depths)) ** 2
