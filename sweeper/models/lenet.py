"""LeNet-5 (LeCun et al. 1998) as the comparison of five CNNs trained it."""

from collections import OrderedDict

from torch import nn

from sweeper.models import Activation, Shape, model
from sweeper.models.parts.blocks import activated_pool, convolution, convolved, dense_head, fitting


@model("lenet5")
def lenet5(shape: Shape, classes: int, *, activation: Activation = "relu") -> nn.Module:
    """Two 5x5 convolutions, average pools, dense 120 and 84: 62,006 parameters for 10 classes at 32 px."""
    channels, pixels, _ = shape
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, width in enumerate((6, 16), start=1):
        parts[f"conv{number}"] = convolution(channels, width, 5, padding="valid")
        for name, layer in activated_pool(activation, "avg"):
            parts[f"{name}{number}"] = layer
        channels, pixels = width, fitting("lenet5", shape, convolved(pixels, 5, 1, "valid") // 2)
    parts["flatten"] = nn.Flatten()
    parts["head"] = dense_head(channels * pixels**2, classes, dense=(120, 84), activation=activation)
    return nn.Sequential(parts)
