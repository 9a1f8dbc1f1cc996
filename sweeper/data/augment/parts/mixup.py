"""Blends each image of a batch, and its labels, with another one."""

import numpy as np
import torch
from torch import Tensor


class Blends:
    """Mixup (Zhang et al. 2018): the weights and the partners of all batches of an epoch, drawn at once.

    A batch has one weight, from Beta(alpha, alpha).
    """

    def __init__(
        self, count: int, batch_size: int, alpha: float, generator: torch.Generator, device: torch.device
    ) -> None:
        self._batch_size = batch_size
        seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
        weights = np.random.default_rng(seed).beta(alpha, alpha, size=-(-count // batch_size))
        self._weights = torch.from_numpy(weights.astype(np.float32)).to(device)
        keys = torch.empty(count, device=generator.device).uniform_(generator=generator)
        self._partners = torch.cat([part.argsort() for part in keys.split(batch_size)]).to(device)

    def __call__(self, images: Tensor, labels: Tensor, classes: int, start: int) -> tuple[Tensor, Tensor]:
        """Blend the batch that begins at the epoch's image `start`; labels become float32 (rows, classes)."""
        weight = self._weights[start // self._batch_size]
        partner = self._partners[start : start + len(images)]
        shares = (labels[:, None] == torch.arange(classes, device=labels.device)).float()
        return torch.lerp(images[partner], images, weight), torch.lerp(shares[partner], shares, weight)
