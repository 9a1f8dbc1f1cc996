"""Branches that are added to, or multiplied with, what goes past them."""

from torch import Tensor, nn


class Residual(nn.Module):
    """Adds what the branch makes of its input to that input (He et al. 2015)."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        return x + self.branch(x)


class SqueezeExcitation(nn.Module):
    """Scales each map by a share that is worked out from the means of all (Hu, Shen, Sun 2018)."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        inner = max(4, channels // reduction)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled maps."""
        return x * self.gate(x)
