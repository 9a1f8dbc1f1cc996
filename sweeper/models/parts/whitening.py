"""A first layer that is fitted to patches of the training images and never trained."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_SMALLEST = 5e-4  # added to each eigenvalue, as a share of their mean: JPEG leaves some directions empty


class PatchWhitening(nn.Conv2d):
    """Gives uncorrelated values of variance 1 for each 2x2 patch, and the same with the other sign.

    The frozen first layer of airbench94 (Jordan 2024, arXiv:2404.00498, after Page 2019). The bias begins
    at minus the mean patch, so that any normalization will do, and learns.
    """

    def __init__(self, channels: int, patch: int = 2) -> None:
        super().__init__(channels, 2 * channels * patch**2, patch)
        self.weight.requires_grad = False

    @torch.no_grad()
    def fit(self, batches: Iterable[Tensor]) -> None:
        """Set the weights from all patches of the images, in float64 on the CPU: the same bits each time."""
        size = self.out_channels // 2
        total, products, count = torch.zeros(size).double(), torch.zeros(size, size).double(), 0
        for images in batches:
            patches = F.unfold(images.cpu().float().contiguous(), self.kernel_size).transpose(0, 1).flatten(1)
            total += patches.sum(1, dtype=torch.float64)
            products += (patches @ patches.T).double()
            count += patches.shape[1]
        mean = total / count
        values, vectors = torch.linalg.eigh(products / count - mean.outer(mean))
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))  # fixes the sign, which is free
        scale = (values.clamp_min(0) + _SMALLEST * values.mean()).clamp_min(1e-12).rsqrt()
        rows = (vectors * largest.sign() * scale).T.flip(0)
        weight, shift = torch.cat([rows, -rows]).float(), torch.cat([-rows @ mean, rows @ mean])
        self.weight.copy_(weight.view(self.weight.shape))
        if self.bias is not None:
            self.bias.copy_(shift.float())


def whitening_layers(module: nn.Module) -> list[PatchWhitening]:
    """Return the layers that must be fitted before training begins."""
    return [part for part in module.modules() if isinstance(part, PatchWhitening)]
