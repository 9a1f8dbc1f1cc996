"""What checkpoints cost the training of a VGG16: each epoch and waited for, or by a thread.

    python benchmarks/checkpoint.py [--rounds 5] [--save FILE]

VGG16's convolutions and a dense layer of 256 (14.9 million parameters, AdamW: 178 MB a checkpoint) at 32 px,
on made pictures, one thread; twenty minutes. Three arms train the same trial in turns: without checkpoints,
with one that each epoch waits for, and as trials do. The first epoch is left out: both wait for its
checkpoint. CPU-seconds hold those of the thread. Exit status 1 if a claim fails.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from parts.anytime import ratio_interval
from parts.measure import cpu
from torch import Tensor

from sweeper.config.sections import TrainSpec
from sweeper.training.checkpoint_writer import Saving
from sweeper.training.loop import train
from sweeper.training.recipe import compose
from sweeper.trial import Trial

CPU = torch.device("cpu")
SIZES, CLASSES, EPOCHS = {"train": 64, "valid": 16}, 8, 20
CONFIG = {
    "architecture": "pretrained", "backbone": "vgg16", "weights": "none", "freeze": "none", "pixels": 32,
    "dense": [256], "learning_rate": 1e-4,
}  # fmt: skip
ARMS: dict[str, Saving | None] = {
    "none": None,
    "each": Saving(at_once=float("inf")),
    "thread": Saving(),
}
CLAIM = 0.25
Figures = dict[str, float]


class Noise:
    """Pictures of noise: what is learnt does not matter here."""

    shape = (3, 32, 32)
    classes = tuple("abcdefgh")
    digest = "benchmark"

    def size(self, split: str) -> int:
        """Number of images."""
        return SIZES[split]

    def labels(self, split: str) -> Tensor:
        """In store order."""
        return torch.arange(SIZES[split]) % CLASSES

    def batches(self, split: str, *, batch_size: int, **_: object) -> Iterator[tuple[Tensor, Tensor]]:
        """Always in the same order."""
        images = torch.empty(SIZES[split], *self.shape).normal_(generator=torch.Generator().manual_seed(1))
        for rows in torch.arange(SIZES[split]).split(batch_size):
            yield images[rows].contiguous(memory_format=torch.channels_last), self.labels(split)[rows]


def measured(saving: Saving | None, folder: Path | None) -> Figures:
    """Wall and CPU-seconds an epoch from the second on, and what of the former was waited for checkpoints."""
    recipe = compose(CONFIG, TrainSpec(epochs=EPOCHS, batch_size=32, schedule="constant"))
    reports = train(
        Trial("t", 1, CONFIG, seed=1), Noise(), recipe,
        objective="valid/top1", device=CPU, checkpoints=folder, saving=saving,
    )  # fmt: skip
    next(reports)
    wall, used = time.monotonic(), time.process_time()
    waited = sum(report.metrics["checkpoint_seconds"] for report in reports)
    wall, used, epochs = time.monotonic() - wall, time.process_time() - used, EPOCHS - 1
    return {"wall": wall / epochs, "cpu": used / epochs, "waited": waited / epochs}


def one_round() -> dict[str, Figures]:
    """Each arm once."""
    found: dict[str, Figures] = {}
    for name, saving in ARMS.items():
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            found[name] = measured(saving, None if saving is None else Path(folder) / "checkpoints")
    return found


def show(rounds: list[dict[str, Figures]]) -> bool:
    """Print seconds an epoch and the ratios to training without checkpoints; say whether the claim holds."""
    print(f"{cpu()}, torch {torch.__version__}, one thread, {len(rounds)} rounds of {EPOCHS - 1} epochs")
    mean = {
        arm: {
            name: sum(each[arm][name] for each in rounds) / len(rounds) for name in ("wall", "cpu", "waited")
        }
        for arm in ARMS
    }
    for arm, figures in mean.items():
        words = [f"{name} {seconds:6.3f} s" for name, seconds in figures.items()]
        for name in ("cpu", "wall") if arm != "none" and len(rounds) > 1 else ():
            middle, low, high = ratio_interval([each[arm][name] / each["none"][name] for each in rounds])
            words.append(f"{name} / none {middle:.3f} ({low:.3f} to {high:.3f})")
        print(f"{arm:7} an epoch: {', '.join(words)}")
    bare = mean["none"]["cpu"]
    left = (mean["thread"]["cpu"] - bare) / (mean["each"]["cpu"] - bare)
    verdict = "holds" if left <= CLAIM else "FAILS"
    print(f"CPU of checkpoints that is left: {left:.2f} (claim <= {CLAIM:g})  {verdict}")
    return left <= CLAIM


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", type=Path, help="keep each round here, and go on from what is there")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rounds = json.loads(asked.save.read_text()) if asked.save and asked.save.exists() else []
    while len(rounds) < asked.rounds:
        rounds.append(one_round())
        if asked.save:
            asked.save.write_text(json.dumps(rounds))
    return 0 if show(rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
