"""What the GPU of this machine does: its tests, then the figures that docs/gpu.md holds.

    make gpu
    python benchmarks/gpu.py --cifar ~/data/cifar-10-batches-py

Without a GPU it says so, exits with 1 and writes nothing. The images of the first figures are noise in
memory, so decoding is no part of them; `--cifar` trains the recipe `fast` on CIFAR-10 itself.
"""

import argparse
import contextlib
import dataclasses
import datetime
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from parts.gpu_page import Figure, write
from parts.pack_gain import alike, pack_seconds
from torch import Tensor

from sweeper.config.sections import TrainSpec
from sweeper.config.spec import parse_spec
from sweeper.data.batches import RESIDENTS, Rows, batches
from sweeper.data.dataset import open_dataset
from sweeper.store.paths import cache_root
from sweeper.training.device import CudaGraphs, Graphs, prepare
from sweeper.training.learner import Learner
from sweeper.training.loop import train
from sweeper.training.recipe import compose
from sweeper.trial import Trial

ROOT = Path(__file__).parents[1]
STUDY = {
    "pixels": 64, "layers": 4, "filters": [32, 64, 64, 128], "kernel": 2, "batch_norm": False,
    "augmentation": "basic", "normalization": "none",
}  # fmt: skip
CLASSES, IMAGES, VALID = 256, 22_000, 512
EPOCHS, STARTS, PACKED = 6, 5, 8  # the first epoch records the graph and is left out
REPLAYED, EAGER, START, FUSED, CIFAR = 0.12, 0.25, 0.1, 4.0, 0.94


@dataclass
class Noise:
    """Images of noise, as training sees a data set."""

    images: int
    pixels: int
    classes: tuple[str, ...] = tuple(str(number) for number in range(CLASSES))
    digest: str = "noise"
    rows: dict[str, Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shape = (3, self.pixels, self.pixels)
        generator = torch.Generator().manual_seed(0)
        for split, count in (("train", self.images), ("valid", VALID)):
            size = (count, self.pixels, self.pixels, 3)
            images = torch.randint(256, size, generator=generator, dtype=torch.uint8)
            self.rows[split] = Rows(images, torch.arange(count), torch.arange(count) % len(self.classes))

    def size(self, split: str) -> int:
        return len(self.rows[split].rows)

    def labels(self, split: str) -> Tensor:
        return self.rows[split].labels

    def batches(self, split: str, *, device: str = "cpu", **options: Any) -> Iterator[tuple[Tensor, Tensor]]:
        where = torch.device(device)
        rows = self.rows[split].on(where, (id(self), split), RESIDENTS)
        self.rows[split] = rows
        asked = {"generator": None, "augmentation": None, "drop_last": False, "epoch": 0, **options}
        return batches(
            rows, transform=lambda images: images, classes=len(self.classes), device=where, **asked
        )


class Unrecorded(CudaGraphs):
    """No graph: each kernel is launched on its own."""

    @contextlib.contextmanager
    def recording(self, graph: Any) -> Iterator[None]:
        raise RuntimeError("eager, to be compared")
        yield


def epoch_seconds(data: Noise, device: torch.device, *, graphs: Graphs | None, epochs: int = EPOCHS) -> float:
    """Seconds an epoch of training, the median after the first; validation is not counted."""
    recipe = compose(STUDY | {"pixels": data.pixels}, TrainSpec(epochs=epochs))
    trial = Trial("gpu", 1, STUDY, seed=1)
    reports = train(trial, data, recipe, objective="valid/top1", device=device, graphs=graphs)
    images = data.size("train")
    return statistics.median([images / report.metrics["images_per_second"] for report in reports][1:])


def start_seconds(data: Noise, device: torch.device, *, starts: int = STARTS) -> float:
    """Seconds from a configuration to the end of its first step, where others ran before: the median."""
    found = []
    for number in range(starts + 1):
        began = time.perf_counter()
        recipe = compose(STUDY | {"pixels": data.pixels}, TrainSpec(epochs=1))
        prepare(device)
        learner = Learner.build(recipe, data, seed=number, device=device)
        learner.start_epoch(number)
        given = data.batches("train", batch_size=learner.batch_size, device=str(device))
        learner.step(*next(given)).item()
        found.append(time.perf_counter() - began)
    return statistics.median(found[1:])


def pack_gain(data: Noise, device: torch.device, *, members: int = PACKED, epochs: int = EPOCHS) -> float:
    """How many times as long the trials take one after the other, replayed: by the median epoch of each."""
    configs = alike(STUDY | {"pixels": data.pixels}, members)
    as_one, alone = (
        statistics.median(pack_seconds(configs, data, device, as_one=way, epochs=epochs)[1:])
        for way in (True, False)
    )
    return alone / as_one


def cifar(root: Path, device: torch.device) -> list[Figure]:
    """Train `fast` with airbench94's widths until 94 % of the validation split are right."""
    written = {
        "name": "gpu", "recipe": "fast", "budget": {"trials": 1},
        "dataset": {"source": "cifar10", "root": str(root)},
        "parameters": {"pixels": {"value": 32}, "filters": {"value": [64, 256, 256]}},
        "train": {"epochs": 20},
    }  # fmt: skip
    spec = parse_spec(json.dumps(written))
    config = spec.space.sample(lambda key, _: spec.parameters[key].extremes()[0])
    recipe = compose(config, spec.train)
    data = open_dataset(
        spec.dataset,
        pixels=recipe.pixels,
        normalization=recipe.normalization,
        options=recipe.normalization_options,
        cache=cache_root(),
    )
    best, trial = 0.0, Trial("gpu", 1, config, seed=1)
    for report in train(trial, data, recipe, objective="valid/top1", device=device):
        best = max(best, report.score)
        if report.score >= CIFAR:
            name = "CIFAR-10, recipe fast: device-seconds to 94 % valid top-1"
            return [Figure(name, report.device_seconds, "s")]
    return [Figure("CIFAR-10, recipe fast: valid top-1 after 20 epochs", best, "", CIFAR, at_most=False)]


def measured(device: torch.device, root: Path | None) -> list[Figure]:
    data = Noise(IMAGES, 64)
    name = f"an epoch of the study's 91k network, {IMAGES:,} images of 64 px"
    found = [
        Figure(f"{name}, replayed", epoch_seconds(data, device, graphs=None), "s", REPLAYED),
        Figure(f"{name}, eager", epoch_seconds(data, device, graphs=Unrecorded(device)), "s", EAGER),
    ]
    found = [dataclasses.replace(figure, runs=EPOCHS - 1) for figure in found]
    start = start_seconds(data, device)
    found.append(Figure("start of a trial on a warm worker", start, "s", START, runs=STARTS))
    name = f"trials a GPU-hour of a pack of {PACKED} at 48 px, against single ones"
    gain = pack_gain(Noise(IMAGES, 48), device)
    found.append(Figure(name, gain, "x", FUSED, at_most=False, runs=EPOCHS - 1))
    if root is None:
        note = "give the images: `python benchmarks/gpu.py --cifar FOLDER`"
        return [*found, Figure("CIFAR-10 to 94 %", None, "s", note=note)]
    return [*found, *cifar(root, device)]


def machine(device: torch.device) -> dict[str, str]:
    return {
        "device": torch.cuda.get_device_name(device),
        "CUDA": str(torch.version.cuda),
        "torch": torch.__version__,
        "Python": platform.python_version(),
    }


def main(words: Sequence[str], is_there: Callable[[], bool] = torch.cuda.is_available) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "gpu.md", help="where the table goes")
    parser.add_argument("--cifar", type=Path, help="the folder cifar-10-batches-py")
    asked = parser.parse_args(words)
    if not is_there():
        print(
            "make gpu: torch sees no GPU on this machine, so nothing is measured and docs/gpu.md stays as "
            "it is; run it where `nvidia-smi` lists one",
            file=sys.stderr,
        )
        return 1
    tests = [sys.executable, "-m", "pytest", "-q", "tests/unit/training/test_gpu.py"]
    if subprocess.run(tests, cwd=ROOT, check=False).returncode:
        print("make gpu: the tests fail on this GPU, so no figure is written", file=sys.stderr)
        return 1
    device = torch.device("cuda")
    figures = measured(device, asked.cifar)
    write(asked.page, figures, machine(device), datetime.date.today().isoformat())
    print(asked.page.read_text(encoding="utf-8"))
    return 1 if any(figure.is_met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
