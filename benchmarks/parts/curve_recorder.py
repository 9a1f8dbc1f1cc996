"""Whole learning curves of fixed configurations on many sets, in Parquet parts that grow."""

import itertools
import json
import math
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from parts.measure import cpu
from parts.varied_sets import (
    AVERAGED,
    EPOCHS,
    PAIRED,
    SCHEDULES,
    SEED,
    SETS,
    Varied,
    drawn,
    unpack,
)

from sweeper.config.space import Constant
from sweeper.data.augment import augmentation
from sweeper.data.dataset import Dataset
from sweeper.training.device import prepare
from sweeper.training.learner import Learner
from sweeper.training.open_images import open_for
from sweeper.training.recipe import Recipe, compose
from sweeper.trial import Config, derive

FOLDER = Path(__file__).resolve().parents[1] / "curves" / "cnn"
BLOCK = 16
"""Configurations of a part: a part that is full never changes again."""
AVERAGED_AT = (1, 2, 4, EPOCHS)
"""Epochs after which averaged weights are validated (the first 15 configurations: after each)."""
NUMBERS = ("top1", "top5", "loss", "ema_top1", "ema_top5", "ema_loss", "train_loss", "seconds")
SCHEMA = pa.schema(
    [
        ("set", pa.string()),
        ("number", pa.int32()),
        ("schedule", pa.string()),
        ("config", pa.string()),
        ("ema", pa.float32()),
        ("epoch", pa.int32()),
        *((name, pa.float32()) for name in NUMBERS),
    ]
)
Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class Task:
    """One training: which configuration on which set under which schedule."""

    number: int
    set: str
    schedule: str


@dataclass(frozen=True)
class Arm:
    """How a configuration's rate moves, and which of its weights are validated."""

    schedule: str
    is_averaged: bool

    def __str__(self) -> str:
        return f"`{self.schedule}`{', averaged' * self.is_averaged}"


def wanted(count: int) -> list[Task]:
    """Every training, in the order in which they are made, so that sets grow alike.

    The paired ones come first.
    """
    configs, places = drawn(count), dict[Task, float]()
    for number, (name, varied) in itertools.product(range(count), SETS.items()):
        own = str(configs[number]["schedule"])
        is_paired = varied.is_paired and number < PAIRED
        place = number if is_paired else number + PAIRED
        places |= {Task(number, name, schedule): place for schedule in (SCHEDULES if is_paired else (own,))}
    return sorted(places, key=lambda task: places[task])


def missing(count: int, folder: Path) -> list[Task]:
    """What the parts in the folder lack; a training is there with all its epochs or not at all."""
    known = {Task(int(row["number"]), str(row["set"]), str(row["schedule"])) for row in read(folder)}
    return [task for task in wanted(count) if task not in known]


def record(count: int, archives: Path, work: Path, into: Path = FOLDER, *, until: float = math.inf) -> None:
    """Train what the parts lack, one thread, all epochs; a part is written after each training."""
    torch.set_num_threads(1)
    configs = drawn(count)
    for task in missing(count, into):
        if time.time() > until:
            return
        unpack(SETS[task.set], archives, work)
        rows = list(curve(SETS[task.set], configs[task.number], task, work))
        append(into / part_of(task.number), rows)
        last = rows[-1]
        print(
            f"{time.strftime('%H:%M:%S')} {task.number:3} {task.set:22} {task.schedule:20}"
            f"{last['seconds']:7.1f} s {last['top1']:.3f} {last['top5']:.3f} {last['ema_top1']:.3f}",
            flush=True,
        )


def curve(varied: Varied, config: Config, task: Task, work: Path, seed: int = SEED) -> Iterator[Row]:
    """One row an epoch, of the weights and of their average; a training that diverges ends without scores.

    The trial's seed comes from `seed` and the configuration, so that schedules are paired. Seconds are
    CPU-seconds of building, fitting, training (keeping the average included) and one validation.
    """
    spec, trained = varied.spec(work), varied.config(config, task.schedule)
    constants = {
        name: each.value for name, each in spec.space.parameters.items() if isinstance(each, Constant)
    }
    trained = {**constants, **trained}
    recipe = compose(trained, spec.train)
    dataset = open_for(recipe, spec.dataset, work / "cache")
    recipe = replace(recipe, train=recipe.train.model_copy(update={AVERAGED: config[AVERAGED]}))
    began = time.process_time()
    same: Row = {
        "set": task.set, "number": task.number, "schedule": task.schedule,
        "config": json.dumps(trained), "ema": config[AVERAGED],
    }  # fmt: skip
    for epoch, found in enumerate(
        _epochs(recipe, dataset, derive(seed, "trial", task.number), began), start=1
    ):
        yield {**same, "epoch": epoch, **found}


def _epochs(recipe: Recipe, dataset: Dataset, seed: int, began: float) -> Iterator[Row]:
    """What `sweeper.training.loop.train` does, and a second validation whose seconds are not counted."""
    device = torch.device("cpu")
    prepare(device)
    learner = Learner.build(recipe, dataset, seed=seed, device=device)
    if learner.must_be_fitted:
        learner.fit(derive(seed, "fit"))
    uncounted = 0.0
    for epoch in range(1, recipe.train.epochs + 1):
        learner.start_epoch(derive(seed, "layers", epoch))
        batches = dataset.batches(
            "train",
            batch_size=learner.batch_size,
            generator=torch.Generator().manual_seed(derive(seed, "batches", epoch)),
            augmentation=augmentation[recipe.augmentation](**recipe.augmentation_options),
            drop_last=True,
            epoch=epoch,
        )
        found: Row = {"train_loss": learner.train_epoch(batches, epoch)}
        plain = _validated(learner, learner.module)
        found["seconds"] = time.process_time() - began - uncounted
        before = time.process_time()
        averaged: Mapping[str, float | None] = dict.fromkeys(plain)
        if learner.averaged and epoch in AVERAGED_AT:
            averaged = _validated(learner, learner.averaged.module)
        uncounted += time.process_time() - before
        has_diverged = not math.isfinite(plain["loss"])
        yield {
            **found,
            **(dict.fromkeys(plain, math.nan) if has_diverged else plain),
            **{f"ema_{name}": math.nan if has_diverged else value for name, value in averaged.items()},
        }
        if has_diverged:
            return


def _validated(learner: Learner, module: torch.nn.Module) -> dict[str, float]:
    found = learner.evaluate(module, learner.data, "valid")
    return {name: found[f"valid/{name}"] for name in ("top1", "top5", "loss")}


def part_of(number: int) -> str:
    """The file that holds a configuration."""
    return f"part-{number // BLOCK:03}.parquet"


def read(folder: Path) -> list[Row]:
    """Every row of every part."""
    return [row for path in sorted(folder.glob("part-*.parquet")) for row in pq.read_table(path).to_pylist()]


def machine(folder: Path) -> str:
    """What the newest part was recorded on."""
    newest = max(folder.glob("part-*.parquet"))
    return str(json.loads(pq.read_schema(newest).metadata[b"about"])["machine"])


def append(path: Path, rows: list[Row]) -> None:
    """Beside it and renamed, so that a recorder that is killed leaves a whole part."""
    here = f"{cpu()}, {os.cpu_count()} cores shared, one thread, torch {torch.__version__}"
    about = {"machine": here, "python": platform.python_version(), "seconds": "CPU-seconds", "seed": SEED}
    before = pq.read_table(path).to_pylist() if path.exists() else []
    table = pa.Table.from_pylist([*before, *rows], SCHEMA)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".writing")
    pq.write_table(
        table.replace_schema_metadata({"about": json.dumps(about)}), aside, compression="zstd",
        compression_level=15,
    )  # fmt: skip
    aside.replace(path)


def score_table(rows: Sequence[Row], name: str, metric: str, arms: Sequence[Arm]) -> dict[Arm, np.ndarray]:
    """Scores of an arm, a row a configuration and a column an epoch, of those that every arm has.

    A training that diverged has 0 from there on, and so has what was not validated.
    """
    column, found = metric.removeprefix("valid/"), dict[tuple[str, int], np.ndarray]()
    for row in rows:
        if row["set"] == name:
            key = (str(row["schedule"]), int(row["number"]))
            scores = found.setdefault(key, np.zeros((2, EPOCHS)))
            told = np.array([row[column], row[f"ema_{column}"]], dtype=float)
            scores[:, int(row["epoch"]) - 1] = np.nan_to_num(told)
    numbers = [{number for schedule, number in found if schedule == arm.schedule} for arm in arms]
    shared = sorted(set.intersection(*numbers))
    return {
        arm: np.array([found[arm.schedule, number][int(arm.is_averaged)] for number in shared])
        for arm in arms
    }
