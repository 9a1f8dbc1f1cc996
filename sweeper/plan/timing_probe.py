"""This module trains a few configurations for a few steps, to learn what an epoch takes on this machine.

Timings are kept per data digest and device, so that the next quote on the same images needs no probe. As many
processes as the sweep has slots, up to `MOST_BESIDE`, run the same probes at the same time: two trials on two
hyperthreads, or four on one GPU, slow each other down, and it is that pace which the sweep will have.
"""

import contextlib
import itertools
import multiprocessing
import os
import platform
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.config.spec import SweepSpec
from sweeper.cost import Timing, Work, terms
from sweeper.cost.fit import HELD
from sweeper.cost.flops import CPU, GPU
from sweeper.cost.kept_timings import Probe
from sweeper.cost.probe import FEWEST
from sweeper.data.dataset import Dataset
from sweeper.training.device import default_device
from sweeper.training.environment import CPU_WORKER
from sweeper.training.loop import train
from sweeper.training.open_images import open_for
from sweeper.training.recipe import compose
from sweeper.trial import Config, Trial

MOST_BESIDE = 4
STEP_SECONDS = 2.4
"""How long the two timed epochs of a configuration should take; whole ones may end sooner."""
WARM_UP, EPOCHS = 2, 4
LEAST_STEPS = 5
START_SECONDS = 60.0


@dataclass(frozen=True)
class Job:
    """What a process times; picklable."""

    dataset: DatasetSpec
    train: TrainSpec
    metric: str
    cache: Path
    configs: tuple[tuple[Config, Work], ...]
    seconds: float

    def __call__(self) -> list[Probe]:
        """Time one configuration after the other; the first three whatever they take."""
        ends = time.monotonic() + self.seconds
        probes: list[Probe] = []
        for config, work in self.configs:
            if time.monotonic() < ends or len(probes) < FEWEST:
                probes.append(Probe(config, self._timed(config, work)))
        return probes

    def _timed(self, config: Config, work: Work) -> Timing:
        recipe = compose(config, self.train)
        steady = {"epochs": EPOCHS, "patience": None, "learning_rate": 1e-4}  # it must not diverge
        recipe = replace(recipe, train=recipe.train.model_copy(update=steady))
        short = Short(open_for(recipe, self.dataset, self.cache))
        timed, before = list[float](), 0.0
        trial = Trial("probe", 0, config, seed=0)
        # the features of a part are not those of the whole; a batch that is measured is
        kept = None if recipe.architecture == "pretrained" else self.cache
        for report in train(trial, short, recipe, objective=self.metric, device=default_device(), cache=kept):
            seconds, before = report.device_seconds - before, report.device_seconds
            if report.epoch <= WARM_UP:  # memory, kernels, a captured graph
                short.lengthen(seconds)
                continue
            timed.append(seconds)
        return Timing(short.part_of(work), float(np.mean(timed)))


class Short:
    """A data set of which only the first batches are given out; every image is one of the sweep's own."""

    def __init__(self, data: Dataset, steps: int = 4) -> None:
        self._data = data
        self.shape, self.classes, self.digest = data.shape, data.classes, data.digest
        self.steps = steps
        self.images = {"train": 0, "valid": 0}
        self.taken = {"train": 0, "valid": 0}

    def size(self, split: Any) -> int:
        """Return the number of images of the whole data set."""
        return self._data.size(split)

    def labels(self, split: Any) -> Tensor:
        """Return the labels of all images."""
        return self._data.labels(split)

    def batches(self, split: Any, **options: Any) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the first batches and count them; the validation split has its share of an epoch."""
        limit = self.steps if split == "train" else max(1, self.steps // 8)
        self.images[split] = self.taken[split] = 0
        for images, labels in itertools.islice(self._data.batches(split, **options), limit):
            self.images[split] += len(images)
            self.taken[split] += 1
            yield images, labels

    def lengthen(self, seconds: float) -> None:
        """Allow as many steps as two further epochs have time for, after one of so many seconds."""
        steps = max(1, self.taken["train"])
        self.steps = max(LEAST_STEPS, int(steps * STEP_SECONDS / max(seconds, 1e-6) / 2))

    def part_of(self, work: Work) -> Work:
        """Return the work of the epochs as they were run."""
        return replace(
            work,
            steps=self.taken["train"],
            train_images=self.images["train"],
            valid_images=self.images["valid"],
            valid_steps=self.taken["valid"],
        )


def device_name() -> str:
    """Return the name under which timings are kept: `NVIDIA H200`, or the processor's model."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def chosen(sizes: Sequence[tuple[Config, Work]], count: int, *, is_gpu: bool) -> list[tuple[Config, Work]]:
    """Choose the dearest configuration, then those that add most information (D-optimal, greedily)."""
    works = [work for _, work in sizes]
    rows = np.array([terms(work) for work in works]) * np.array(GPU if is_gpu else CPU)
    seconds = rows.sum(1)
    rows = rows / seconds[:, None]
    places = [int(seconds.argmax())]
    known = HELD**2 * np.eye(rows.shape[1]) + np.outer(rows[places[0]], rows[places[0]])
    while len(places) < min(count, len(sizes)):
        news = np.einsum("ij,jk,ik->i", rows, np.linalg.inv(known), rows)
        news[places] = -1.0
        places.append(int(news.argmax()))
        known += np.outer(rows[places[-1]], rows[places[-1]])
    return [(sizes[place][0], works[place]) for place in places]


def probe(
    spec: SweepSpec, configs: Sequence[tuple[Config, Work]], cache: Path, *, beside: int, seconds: float = 40
) -> list[Probe]:
    """Time each configuration in `beside` processes at once; the images are decoded first where they are not.

    Takes what starting a process takes (torch is imported: about 5 s), and a few seconds a configuration;
    beyond `seconds` only the first three are timed.
    """
    job = Job(spec.dataset, spec.train, spec.objective.metric, cache, tuple(configs), seconds)
    for config, _ in configs:
        open_for(compose(config, spec.train), spec.dataset, cache)
    context = multiprocessing.get_context("spawn")
    count = max(1, min(beside, MOST_BESIDE))
    together = (context.Barrier(count),)
    with (
        _environment(CPU_WORKER),
        ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=together) as pool,
    ):
        found = list(pool.map(Job.__call__, [job] * count))
    return [_typical(same) for same in zip(*found, strict=False)]


def _begin(together: Barrier) -> None:
    """Wait until every process has imported torch."""
    with contextlib.suppress(BrokenBarrierError):
        together.wait(START_SECONDS)


def _typical(same: Sequence[Probe]) -> Probe:
    """Return the mean pace of the processes that timed one configuration, for the work of the first."""
    table = np.array(CPU)
    rates = [probe.timing.seconds / float(table @ terms(probe.timing.work)) for probe in same]
    first = same[0].timing
    return Probe(same[0].config, Timing(first.work, first.seconds * float(np.mean(rates)) / rates[0]))


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    """Set variables for the processes that are started inside the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
