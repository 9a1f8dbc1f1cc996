"""A variety of small data sets cut out of CIFAR-10, groceries and digits, and the space drawn from there."""

import json
import pickle
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sweeper.config.spec import SweepSpec, parse_spec
from sweeper.search import searcher
from sweeper.trial import Config, Goal

SEED = 2026
EPOCHS = 12
COUNT = 96
SCHEDULES = ("one_cycle", "linear", "warmup_stable_decay")
PAIRED = 60
"""Configurations that are trained under each schedule, on the sets for which that is asked."""
SCALES = (0.625, 0.75, 1.0)
FILTERS = [8, 12, 16, 24, 32]
LEAST = 20
"""Pixels that four blocks behind a whitening layer take."""
AVERAGED = "ema"
"""Drawn for every configuration, recorded beside the weights as they are: one training, two curves."""
CIFAR, GROCERIES = "cifar-10-jpeg-subset-python.tar.gz", "freiburg25.tar"
PARAMETERS: Mapping[str, Any] = {
    "pixels": list(SCALES),
    "layers": {"min": 2, "max": 4},
    "filters": {"values": FILTERS, "per": "layers"},
    "convs_per_block": [1, 2],
    "residual": {"values": [False, True], "when": {"convs_per_block": 2}},
    "whitening": [False, True],
    "activation": ["relu", "gelu"],
    "dropout": {"values": [0.0, 0.1, 0.25]},
    "augmentation": ["none", "crop_flip", "light", "basic"],
    "optimizer": ["muon", "adamw", "sgd"],
    "learning_rate": {"distribution": "log_uniform_values", "min": 2e-3, "max": 0.1},
    "momentum": {"values": [0.6, 0.9], "when": {"optimizer": ["muon", "sgd"]}},
    "weight_decay": {"distribution": "log_uniform_values", "min": 1e-5, "max": 3e-2},
    "label_smoothing": [0.0, 0.1, 0.2],
    "batch_size": [32, 64, 128],
    "schedule": list(SCHEDULES),
    AVERAGED: [0.9, 0.95, 0.98],
}  # fmt: skip
"""The space that configurations are drawn from; `pixels` is a share of the set's own, in fours."""
TYPICAL: Config = {
    "pixels": 0.75, "layers": 3, "filters": [12, 24, 32], "convs_per_block": 2, "residual": False,
    "whitening": True, "activation": "gelu", "dropout": 0.0, "augmentation": "crop_flip",
    "optimizer": "muon", "learning_rate": 0.03, "momentum": 0.6, "weight_decay": 1e-4,
    "label_smoothing": 0.2, "batch_size": 128, "schedule": "linear", AVERAGED: 0.95,
}  # fmt: skip
"""The first configuration is `fast` itself."""


NEAR_FROM = 10
"""From this number on every second configuration is near `fast`, where the good ones are."""
TAKEN = 0.3
LIGHT_FROM = 15
"""From this number on none has the largest pixels, and those near `fast` have the smallest: for the cost."""
LIGHTEST_FROM = 34
"""From this number on all have the smallest pixels, filters a step fewer and batches of at least 64."""
CHOICES = (
    ("layers", "filters"), ("convs_per_block", "residual"), ("optimizer", "momentum", "learning_rate"),
    ("learning_rate",), ("pixels",), ("whitening",), ("activation",), ("dropout",), ("augmentation",),
    ("weight_decay",), ("label_smoothing",), ("batch_size",), ("schedule",), (AVERAGED,),
)  # fmt: skip


@dataclass(frozen=True)
class Varied:
    """A data set: what is cut out of which archive, its split, its largest pixels, and its metric."""

    dataset: Mapping[str, Any]
    pixels: int
    metric: str = "valid/top5"
    classes: Sequence[int] = ()
    images: int = 0
    is_paired: bool = False
    """Whether the first configurations are trained under each schedule, not under their own alone."""
    folder: str = ""

    def spec(self, work: Path) -> SweepSpec:
        """The sweep file that a configuration's curve belongs to."""
        dataset = dict(self.dataset)
        if self.folder:
            dataset["root"] = str(work / self.folder)
        parameters = {**PARAMETERS, "pixels": sorted({self.side(scale) for scale in SCALES})}
        written = {
            "name": "varied",
            "recipe": "fast",
            "dataset": dataset,
            "parameters": parameters,
            "train": {"epochs": EPOCHS},
            "objective": {"metric": self.metric},
            "budget": {"trials": COUNT},
        }
        return parse_spec(json.dumps(written))

    def side(self, scale: float) -> int:
        """Pixels at a share of the largest."""
        return self.pixels if self.pixels < LEAST else max(LEAST, round(self.pixels * scale / 4) * 4)

    def config(self, drawn: Config, schedule: str = "") -> Config:
        """What is trained here for a draw, every option of `fast` said; averaging is no part of it."""
        rest = {key: value for key, value in drawn.items() if key != AVERAGED}
        if self.pixels < LEAST:  # two poolings are all that such images take
            rest |= {"layers": 2, "filters": list(drawn["filters"])[:2]}
        return {**rest, "pixels": self.side(drawn["pixels"]), "schedule": schedule or drawn["schedule"]}


def _split(train: float, valid: float) -> dict[str, float]:
    return {"train": train, "valid": valid, "test": round(1 - train - valid, 6)}


_CIFAR = {"source": "cifar10", "split": _split(0.5, 0.4)}
_PHOTOS = {"source": "uecfood"}
SETS: Mapping[str, Varied] = {
    "cifar": Varied(_CIFAR, 32, "valid/top1", images=2400, is_paired=True, folder="cifar-2400"),
    "groceries": Varied({**_PHOTOS, "split": _split(0.4, 0.25)}, 32, is_paired=True, folder="freiburg25"),
    "digits": Varied({"source": "digits", "split": _split(0.55, 0.35)}, 8, "valid/top1"),
    "groceries boxes, few": Varied(
        {**_PHOTOS, "crop": "largest_box", "split": _split(0.15, 0.25)}, 32, folder="freiburg25"
    ),
    "cifar animals": Varied(
        _CIFAR, 24, "valid/top1", classes=(2, 3, 4, 5, 6, 7), images=1500, folder="cifar-animals"
    ),
    "cifar, few": Varied(
        {"source": "cifar10", "split": _split(0.3, 0.6)}, 32, "valid/top1", images=1500, folder="cifar-1500"
    ),
    "groceries half": Varied(
        {**_PHOTOS, "split": _split(0.5, 0.4)}, 24, "valid/top1", classes=range(1, 13), folder="freiburg12"
    ),
    "cifar vehicles": Varied(
        _CIFAR, 24, "valid/top1", classes=(0, 1, 8, 9), images=1600, folder="cifar-vehicles"
    ),
    "groceries boxes": Varied(
        {**_PHOTOS, "crop": "largest_box", "split": _split(0.4, 0.25)}, 24, folder="freiburg25"
    ),
}


def drawn(count: int = COUNT) -> list[Config]:
    """The configurations of all tables: `fast` first, then draws; each is a function of seed and number."""
    written = {"name": "drawn", "dataset": {"source": "digits"}, "parameters": PARAMETERS}
    space = parse_spec(json.dumps({**written, "budget": {"trials": 1}})).space
    draws = searcher["random"](space, Goal.MAXIMIZE, SEED)
    found = [TYPICAL]
    for number in range(1, count):
        config = draws.suggest(number)
        assert config is not None
        ordered = {key: config[key] for key in PARAMETERS if key in config}
        is_near = number >= NEAR_FROM and number % 2 == 0
        mixed = near_fast(ordered, number) if is_near else ordered
        found.append(_lighter(mixed, number))
    return found


def _lighter(config: Config, number: int) -> Config:
    if number < LIGHT_FROM:
        return config
    if number < LIGHTEST_FROM:
        return {**config, "pixels": SCALES[max(0, SCALES.index(config["pixels"]) - 1)]}
    fewer = [FILTERS[max(0, FILTERS.index(each) - 1)] for each in config["filters"]]
    batch = max(64, config["batch_size"])
    return {**config, "pixels": SCALES[0], "filters": fewer, "batch_size": batch}


def near_fast(config: Config, number: int) -> Config:
    """`fast` with about a third of its choices taken from the draw, what belongs together together."""
    random = np.random.default_rng([SEED, number])
    taken = {key for keys in CHOICES if random.random() < TAKEN for key in keys}
    sources = {key: config if key in taken else TYPICAL for key in PARAMETERS}
    mixed = {key: source[key] for key, source in sources.items() if key in source}
    return {**mixed, "learning_rate": config["learning_rate"]} if mixed == TYPICAL else mixed


def unpack(varied: Varied, archives: Path, work: Path) -> None:
    """The set's own folder, made once from the archive."""
    target = work / varied.folder
    if not varied.folder or target.exists():
        return
    work.mkdir(parents=True, exist_ok=True)
    archive = CIFAR if varied.dataset["source"] == "cifar10" else GROCERIES
    whole = work / ("cifar-10-batches-py" if archive == CIFAR else "freiburg25")
    if not whole.exists():
        with tarfile.open(archives / archive) as opened:
            opened.extractall(work, filter="data")
    if archive == CIFAR:
        _part_of_cifar(whole, target, varied)
    elif whole != target:
        target.mkdir()
        shutil.copy(whole / "category.txt", target)
        for number in varied.classes:
            shutil.copytree(whole / str(number), target / str(number))


def _part_of_cifar(whole: Path, target: Path, varied: Varied) -> None:
    """Equally many images of each class, the first of the archive's order, as a folder of the same form."""
    batches = [
        pickle.loads(path.read_bytes(), encoding="latin1")  # noqa: S301  (the project's own archive)
        for path in sorted(whole.glob("data_batch_*"))
    ]
    data = np.concatenate([batch["data"] for batch in batches])
    labels = np.concatenate([batch["labels"] for batch in batches])
    names = pickle.loads((whole / "batches.meta").read_bytes(), encoding="latin1")["label_names"]  # noqa: S301
    classes = list(varied.classes) or list(range(len(names)))
    each = varied.images // len(classes)
    rows = np.concatenate([np.flatnonzero(labels == number)[:each] for number in classes])
    kept = [classes.index(int(label)) for label in labels[rows]]
    tested = [np.flatnonzero(labels == number)[each] for number in classes]
    target.mkdir()
    _write(target / "data_batch_1", {"data": data[rows], "labels": kept})
    _write(target / "test_batch", {"data": data[tested], "labels": list(range(len(classes)))})
    _write(target / "batches.meta", {"label_names": [names[number] for number in classes]})


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))
