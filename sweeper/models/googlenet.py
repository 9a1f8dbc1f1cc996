"""GoogLeNet (Szegedy et al. 2014): for 32 px with auxiliary heads, and as one plain stack of inceptions."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from sweeper.models import Fraction, Shape, model
from sweeper.models.parts.blocks import convolution, convolved, dense_head, fitting
from sweeper.models.parts.initial_weights import GlorotSequential

# 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection
_INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
# as the study prints them
_STUDY = _INCEPTIONS | {"4c": (128, 128, 256, 24, 24, 64), "4e": (256, 120, 320, 32, 128, 128)}
_AUXILIARY_SHARE = 0.3


@model("googlenet")
def googlenet(shape: Shape, classes: int, *, dropout: Fraction = 0.4) -> nn.Module:
    """Nine inceptions and two auxiliary heads: 23,188,534 parameters for 10 classes at 32 px, Glorot-uniform.

    The probabilities are those of the main head plus 0.3 of each auxiliary one, in training and after.
    """
    return _GoogLeNet(shape, classes, dropout)


@model("inception_stack")
def inception_stack(shape: Shape, classes: int, *, dropout: Fraction = 0.4) -> nn.Module:
    """GoogLeNet's layers in one line, without auxiliary heads: 6,998,552 parameters for 1000 classes."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    parts["conv1"] = convolution(shape[0], 64, 7, stride=2)
    parts["pool1"] = nn.MaxPool2d(3, 2, padding=1)
    parts["activation1"] = nn.ReLU()
    parts["conv2"] = nn.Sequential(convolution(64, 64, 1), nn.ReLU(), convolution(64, 192, 3))
    parts["pool2"] = nn.MaxPool2d(3, 2, padding=1)
    parts["activation2"] = nn.ReLU()
    channels = 192
    for name, widths in _INCEPTIONS.items():
        if name in ("4a", "5a"):
            parts[f"pool{name}"] = nn.MaxPool2d(3, 2, padding=1)
        parts[f"inception{name}"] = inception = _Inception(channels, *widths)
        channels = inception.filters
    parts["gap"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    parts["head"] = dense_head(channels, classes, dropout=dropout)
    return GlorotSequential(parts)


class _Inception(nn.Module):
    def __init__(
        self, channels: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int
    ) -> None:
        super().__init__()
        self.filters = one + three + five + pool
        self.one = convolution(channels, one, 1)
        self.three = nn.Sequential(
            convolution(channels, reduce3, 1), nn.ReLU(), convolution(reduce3, three, 3)
        )
        self.five = nn.Sequential(convolution(channels, reduce5, 1), nn.ReLU(), convolution(reduce5, five, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), convolution(channels, pool, 1))
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1))


class _GoogLeNet(nn.Module):
    initial = "glorot_uniform"

    def __init__(self, shape: Shape, classes: int, dropout: float) -> None:
        super().__init__()
        pixels = convolved(shape[1] + 6, 3, 2, "valid") - 6
        fitting("googlenet", shape, pixels - 2 - 6)
        self.stem = nn.Sequential(
            nn.ZeroPad2d(3),
            *(convolution(shape[0], 32, 3, stride=2, padding="valid"), nn.BatchNorm2d(32), nn.ReLU()),
            nn.MaxPool2d(2, 1),
            *(convolution(32, 192, 3, padding="valid"), nn.BatchNorm2d(192), nn.ReLU()),
            *(convolution(192, 192, 3, padding="valid"), nn.BatchNorm2d(192), nn.ReLU()),
            nn.MaxPool2d(2, 1),
        )
        self.low = nn.Sequential(_Inception(192, *_STUDY["3a"]), _Inception(256, *_STUDY["3b"]))
        self.low.append(nn.MaxPool2d(2, 1))
        self.first = _Inception(480, *_STUDY["4a"])
        self.middle = _stack(512, "4b", "4c", "4d")
        self.high = _stack(528, "4e")
        self.high.append(nn.MaxPool2d(2, 1))
        self.high.extend(_stack(832, "5a", "5b"))
        self.first_head = _auxiliary(512, pixels - 1, classes, dropout)
        self.middle_head = _auxiliary(528, pixels - 1, classes, dropout)
        self.main_head = nn.Sequential(
            nn.AvgPool2d(7, 1),
            nn.Flatten(),
            dense_head(1024 * (pixels - 8) ** 2, classes, dense=(1000,), dropout=dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logarithms of the mixed probabilities: cross-entropy and ranks take them like logits."""
        first = self.first(self.low(self.stem(x)))
        middle = self.middle(first)
        heads = (
            (1.0, self.main_head(self.high(middle))),
            (_AUXILIARY_SHARE, self.first_head(first)),
            (_AUXILIARY_SHARE, self.middle_head(middle)),
        )
        mixture = torch.stack([share * logits.float().softmax(1) for share, logits in heads]).sum(0)
        return (mixture / (1 + 2 * _AUXILIARY_SHARE)).clamp_min(1e-12).log()


def _stack(channels: int, *names: str) -> nn.Sequential:
    stack = nn.Sequential()
    for name in names:
        stack.append(inception := _Inception(channels, *_STUDY[name]))
        channels = inception.filters
    return stack


def _auxiliary(channels: int, pixels: int, classes: int, dropout: float) -> nn.Sequential:
    side = convolved(pixels, 5, 3, "valid")
    return nn.Sequential(
        nn.AvgPool2d(5, 3),
        convolution(channels, 128, 1),
        nn.ReLU(),
        nn.Flatten(),
        dense_head(128 * side**2, classes, dense=(256,), dropout=dropout),
    )
