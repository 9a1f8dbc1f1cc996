"""Frozen backbone: heads on shared features against the whole network in every epoch, in about a minute.

    python benchmarks/features.py

VGG16 with random weights at 48 px, dense 256, on made pictures; CPU-seconds of one thread. Claims: an
epoch at least 60 times, a trial of 20 epochs at least 10 times, 20 such trials at least 60 times as fast, and
the same accuracy within 0.5 points. The whole network runs two epochs, of which the second counts, times 20.
Exit status 1 if a claim fails.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torchvision import models

from sweeper.config.sections import TrainSpec
from sweeper.training.loop import train
from sweeper.training.recipe import compose
from sweeper.trial import Report, Trial

CPU = torch.device("cpu")
PIXELS, CLASSES, EPOCHS, TRIALS = 48, 8, 20, 20
SIZES = {"train": 512, "valid": 128}
ACCURACY_CLAIM = 0.005


class Pictures:
    """Noisy pictures of one color a class."""

    shape = (3, PIXELS, PIXELS)
    classes = tuple("abcdefgh")
    digest = "benchmark"

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        colors = torch.empty(CLASSES, 3, 1, 1).uniform_(generator=generator)
        patterns = colors.expand(-1, *self.shape)
        self._labels = {split: torch.arange(size) % CLASSES for split, size in SIZES.items()}
        self._images = {
            split: patterns[labels]
            + torch.empty(len(labels), *self.shape).normal_(0, 0.2, generator=generator)
            for split, labels in self._labels.items()
        }

    def size(self, split: str) -> int:
        """Number of images."""
        return SIZES[split]

    def labels(self, split: str) -> Tensor:
        """In store order."""
        return self._labels[split]

    def batches(
        self, split, *, batch_size, generator=None, augmentation=None, drop_last=False, epoch=0, device="cpu"
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """As `sweeper.data.dataset.Dataset` gives them."""
        order = torch.arange(self.size(split))
        if generator is not None:
            order = torch.randperm(len(order), generator=generator)
        for rows in order.split(batch_size):
            images = self._images[split][rows].contiguous(memory_format=torch.channels_last)
            yield images, self._labels[split][rows]


def run(
    data: Pictures, weights: Path, *, seed: int, epochs: int, cache: Path | None
) -> tuple[list[Report], list[float]]:
    """The reports, and the CPU-second at which each came."""
    config = {
        "architecture": "pretrained", "backbone": "vgg16", "weights": str(weights), "pixels": PIXELS,
        "dense": [256], "learning_rate": 3e-3,
    }  # fmt: skip
    recipe = compose(config, TrainSpec(epochs=epochs, batch_size=64, schedule="constant"))
    trial = Trial(f"t{seed}", seed, config, seed=seed)
    began, reports, moments = time.process_time(), [], []
    for report in train(trial, data, recipe, objective="valid/top1", device=CPU, cache=cache):
        reports.append(report)
        moments.append(time.process_time() - began)
    return reports, moments


def main() -> int:
    torch.set_num_threads(1)
    data = Pictures()
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "vgg16.pt"
        torch.save(models.vgg16(weights=None).state_dict(), weights)
        whole, at = run(data, weights, seed=0, epochs=2, cache=None)
        whole_epoch = at[1] - at[0]
        trials = [run(data, weights, seed=n, epochs=EPOCHS, cache=Path(folder)) for n in range(TRIALS)]
    heads, moments = trials[0]
    head_epoch = (moments[-1] - moments[0]) / (EPOCHS - 1)
    whole_trial = at[0] + whole_epoch * (EPOCHS - 1)
    difference = abs(whole[1].metrics["valid/top1"] - heads[1].metrics["valid/top1"])
    rows = [
        ("an epoch, times as fast", whole_epoch / head_epoch, 60),
        (f"a trial of {EPOCHS} epochs, times as fast", whole_trial / moments[-1], 10),
        (f"{TRIALS} trials, times as fast", TRIALS * whole_trial / sum(m[-1] for _, m in trials), 60),
    ]
    for name, ratio, claim in rows:
        print(f"{name:44} {ratio:8.1f}   claim >= {claim:<6} {'met' if ratio >= claim else 'NOT MET'}")
    is_same = difference <= ACCURACY_CLAIM
    verdict = "met" if is_same else "NOT MET"
    name = f"valid/top1 after 2 epochs {heads[1].metrics['valid/top1']:.3f}, difference"
    print(f"{name:44} {difference:8.4f}   claim <= {ACCURACY_CLAIM:<6} {verdict}")
    return 0 if is_same and all(ratio >= claim for _, ratio, claim in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
