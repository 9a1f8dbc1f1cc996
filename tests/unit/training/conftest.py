from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

CLASSES = 4
PIXELS = 8


class Patterns:
    """Noisy pictures of one pattern a class: learnt in a few epochs, like the real Dataset to training."""

    classes = tuple("abcd")
    digest = "patterns"

    def __init__(self, sizes: dict[str, int], pixels: int = PIXELS) -> None:
        self.shape = (1, pixels, pixels)
        generator = torch.Generator().manual_seed(5)
        patterns = torch.empty(CLASSES, *self.shape).normal_(generator=generator)
        self._images: dict[str, Tensor] = {}
        self._labels: dict[str, Tensor] = {}
        self.opened: list[str] = []
        self.epochs: list[int] = []
        for split, size in sizes.items():
            labels = torch.arange(size) % CLASSES
            noise = torch.empty(size, *self.shape).normal_(generator=generator)
            self._images[split] = patterns[labels] + 0.5 * noise
            self._labels[split] = labels

    def size(self, split: str) -> int:
        return len(self._labels[split])

    def labels(self, split: str) -> Tensor:
        return self._labels[split]

    def batches(
        self, split, *, batch_size, generator=None, augmentation=None, drop_last=False, epoch=0, device="cpu"
    ) -> Iterator[tuple[Tensor, Tensor]]:
        self.opened.append(split)
        if epoch:
            self.epochs.append(epoch)
        order = torch.arange(self.size(split))
        if generator is not None:
            order = torch.randperm(len(order), generator=generator)
        for rows in order.split(batch_size):
            if not drop_last or len(rows) == batch_size:
                yield self._images[split][rows].to(device), self._labels[split][rows].to(device)


@pytest.fixture
def patterns() -> Patterns:
    return Patterns({"train": 150, "valid": 40, "test": 20})


@pytest.fixture
def pictures() -> Patterns:
    """Large enough for a pretrained backbone."""
    return Patterns({"train": 24, "valid": 8, "test": 8}, pixels=32)
