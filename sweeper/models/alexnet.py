"""AlexNet (Krizhevsky, Sutskever, Hinton 2012): at 32 px as compared with four others, and the original."""

from collections import OrderedDict

from torch import nn

from sweeper.models import Fraction, Shape, model
from sweeper.models.parts.blocks import convolution, convolved, dense_head, fitting


@model("alexnet32")
def alexnet32(shape: Shape, classes: int, *, dropout: Fraction = 0.4) -> nn.Module:
    """First convolution 3x3 at stride 4, 2x2 pools: 21,591,306 parameters for 10 classes at 32 px."""
    stem = convolution(shape[0], 96, 3, stride=4, padding="valid")
    pixels = fitting("alexnet32", shape, convolved(shape[1], 3, 4, "valid") // 2 // 2 // 2)
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=stem,
        norm1=nn.BatchNorm2d(96),
        pool1=nn.MaxPool2d(2),
        activation1=nn.ReLU(),
        conv2=convolution(96, 256, 5),
        norm2=nn.BatchNorm2d(256),
        pool2=nn.MaxPool2d(2),
        activation2=nn.ReLU(),
        conv3=convolution(256, 384, 3),
        activation3=nn.ReLU(),
        conv4=convolution(384, 384, 3),
        activation4=nn.ReLU(),
        conv5=convolution(384, 256, 3),
        pool5=nn.MaxPool2d(2),
        activation5=nn.ReLU(),
        flatten=nn.Flatten(),
        head=dense_head(256 * pixels**2, classes, dense=(4096, 4096), dropout=dropout),
    )
    return nn.Sequential(parts)


@model("alexnet")
def alexnet(shape: Shape, classes: int, *, dropout: Fraction = 0.5) -> nn.Module:
    """The original with BatchNorm for response normalization; overlapping 3/2 pools, at least 67 px."""
    channels, pixels, _ = shape
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    pixels = convolved(pixels, 11, 4, "valid")
    for number, (width, kernel) in enumerate(((96, 11), (256, 5), (384, 3), (384, 3), (256, 3)), start=1):
        step, padding = (4, "valid") if number == 1 else (1, "same")
        parts[f"conv{number}"] = convolution(channels, width, kernel, stride=step, padding=padding)
        parts[f"norm{number}"] = nn.BatchNorm2d(width)
        if number in (1, 2, 5):
            parts[f"pool{number}"] = nn.MaxPool2d(3, 2)
            pixels = fitting("alexnet", shape, convolved(pixels, 3, 2, "valid"))
        parts[f"activation{number}"] = nn.ReLU()
        channels = width
    parts["flatten"] = nn.Flatten()
    parts["head"] = dense_head(channels * pixels**2, classes, dense=(4096, 4096), dropout=dropout)
    return nn.Sequential(parts)
