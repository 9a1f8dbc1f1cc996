"""ResNet-50 (He et al. 2015) as Keras first built it: convolutions have a bias, strides lie in the 1x1."""

from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.models import Shape, model
from sweeper.models.parts.blocks import Logits, convolution
from sweeper.models.parts.initial_weights import GlorotSequential

_STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))


@model("resnet50")
def resnet50(shape: Shape, classes: int) -> nn.Module:
    """Bottleneck stages 3, 4, 6, 3, global pooling, Glorot-uniform: 23,608,202 parameters for 10 classes."""
    blocks: list[nn.Module] = []
    channels = 64
    for stage, (depth, width) in enumerate(_STAGES):
        for block in range(depth):
            stride = 2 if stage > 0 and block == 0 else 1
            blocks.append(_Bottleneck(channels, width, stride=stride, has_shortcut=block == 0))
            channels = 4 * width
    return GlorotSequential(
        nn.ZeroPad2d(3),
        convolution(shape[0], 64, 7, stride=2),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        Logits(channels, classes),
    )


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, width: int, *, stride: int, has_shortcut: bool) -> None:
        super().__init__()
        self.conv1 = convolution(channels, width, 1, stride=stride, padding="valid")
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, 3)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = convolution(width, 4 * width, 1)
        self.norm3 = nn.BatchNorm2d(4 * width)
        self.shortcut = nn.Sequential()
        if has_shortcut:
            self.shortcut.append(convolution(channels, 4 * width, 1, stride=stride, padding="valid"))
            self.shortcut.append(nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.norm1(self.conv1(x)))
        inner = F.relu(self.norm2(self.conv2(inner)))
        return F.relu(self.norm3(self.conv3(inner)) + self.shortcut(x))
