"""What a user would write instead: a plain Ray Tune script, as the documentation of its parts shows it.

OptunaSearch, ASHA by epoch, ImageFolder and DataLoader, MLflowLoggerCallback, an ordinary CNN and an ordinary
loop. It gets what costs it little: the same split, space and epochs, one-cycle, reused worker processes.
"""

import functools
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import ray
import torch
from parts.anytime import Meter
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.transforms import InterpolationMode

BATCH, GRACE, FACTOR = 64, 2, 3
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def propose(trial: optuna.Trial, pixels: list[int], fixed: dict[str, Any]) -> dict[str, Any]:
    """The space of search_spaces/groceries.yaml, for OptunaSearch; `fixed` is the same for all trials."""
    trial.suggest_categorical("pixels", pixels)
    layers = trial.suggest_int("layers", 2, 4)
    for layer in range(layers):
        trial.suggest_categorical(f"filters_{layer}", [16, 32, 64, 96])
    trial.suggest_float("dropout", 0.0, 0.4, step=0.1)
    trial.suggest_categorical("augmentation", ["none", "light", "basic"])
    trial.suggest_categorical("normalization", ["none", "standardize"])
    trial.suggest_float("learning_rate", 5e-4, 2e-2, log=True)
    trial.suggest_categorical("optimizer", ["adamw", "sgd"])
    return fixed


class Net(nn.Module):
    """Blocks of convolution, BatchNorm, ReLU, pool and dropout; the mean of each map; logits."""

    def __init__(self, filters: list[int], dropout: float, classes: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 3
        for width in filters:
            blocks += [
                nn.Conv2d(channels, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
                nn.Dropout(dropout),
            ]
            channels = width
        self.features = nn.Sequential(*blocks)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.features(x).mean((2, 3)))


AUGMENTATIONS: dict[str, list[Callable[[Any], Any]]] = {
    "none": [],
    "light": [transforms.RandomAffine(10, (0.1, 0.1), (0.9, 1.1), interpolation=InterpolationMode.BILINEAR)],
    "basic": [
        transforms.RandomAffine(90, (0.2, 0.2), interpolation=InterpolationMode.BILINEAR),
        transforms.RandomHorizontalFlip(),
        transforms.RandomVerticalFlip(),
    ],
}


class Resized(Dataset[Any]):
    """An ImageFolder whose images are decoded and resized once in a process and then kept."""

    def __init__(self, folder: str, pixels: int, transform: Callable[[Any], Any]) -> None:
        self.images, self.classes = resized(folder, pixels)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image, label = self.images[index]
        return self.transform(image), label


@functools.cache
def resized(folder: str, pixels: int) -> tuple[list[Any], list[str]]:
    data = ImageFolder(folder, transforms.Resize((pixels, pixels)))
    return [data[index] for index in range(len(data))], data.classes


def loaders(config: dict[str, Any]) -> tuple[DataLoader[Any], DataLoader[Any], Any]:
    """The two splits; `is_cached` keeps the resized images of the process in memory."""
    pixels, folder = config["pixels"], Path(config["folder"])
    last: list[Callable[[Any], Any]] = [transforms.ToTensor()]
    if config["normalization"] == "standardize":
        last.append(transforms.Normalize(MEAN, DEVIATION))
    augment = AUGMENTATIONS[config["augmentation"]]
    resize = transforms.Resize((pixels, pixels))
    sets: list[Any] = []
    for split, steps in (("train", [*augment, *last]), ("valid", last)):
        path = str(folder / split)
        if config["is_cached"]:
            sets.append(Resized(path, pixels, transforms.Compose(steps)))
        else:
            sets.append(ImageFolder(path, transforms.Compose([resize, *steps])))
    train, valid = sets
    return DataLoader(train, BATCH, shuffle=True, drop_last=True), DataLoader(valid, 256), train


def labels_of(train: Any) -> list[int]:
    return train.targets if isinstance(train, ImageFolder) else [label for _, label in train.images]


def train_trial(config: dict[str, Any]) -> None:
    """One trial: a report an epoch."""
    torch.set_num_threads(1)
    torch.manual_seed(config["seed"])  # noqa: TID251  (an ordinary script)
    train, valid, data = loaders(config)
    filters = [config[f"filters_{layer}"] for layer in range(config["layers"])]
    net = Net(filters, config["dropout"], len(data.classes))
    counts = torch.bincount(torch.tensor(labels_of(data)))
    criterion = nn.CrossEntropyLoss(weight=counts.sum() / (len(counts) * counts.float()))
    rate = config["learning_rate"]
    if config["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=1e-4)
    else:
        optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, epochs=config["epochs"], steps_per_epoch=len(train), cycle_momentum=False
    )
    for _ in range(config["epochs"]):
        net.train()
        for images, labels in train:
            optimizer.zero_grad()
            criterion(net(images), labels).backward()
            optimizer.step()
            schedule.step()
        top1, top5 = evaluate(net, valid)
        tune.report({"top1": top1, "top5": top5, "cpu": time.process_time(), "process": os.getpid()})


def evaluate(net: nn.Module, loader: DataLoader[Any]) -> tuple[float, float]:
    net.eval()
    first = top = images_seen = 0
    with torch.no_grad():
        for images, labels in loader:
            best = net(images).topk(5, dim=1).indices
            hits = best == labels[:, None]
            first += int(hits[:, 0].sum())
            top += int(hits.sum())
            images_seen += len(labels)
    return first / images_seen, top / images_seen


class Watch(tune.Callback):
    """Passes on to the meter what the trials report."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """One epoch."""
        self.meter.report(trial.trial_id, result["process"], result["cpu"], result["top5"])


class WhenSpent(tune.Stopper):
    """Ends the run when the meter's budget is spent."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Single trials are the scheduler's."""
        return False

    def stop_all(self) -> bool:
        """At the budget."""
        return self.meter.is_spent


def run(
    folder: Path, state: Path, pixels: list[int], epochs: int, seed: int, budget: float, *, is_cached: bool
) -> Meter:
    """One run of the script on one CPU slot, until so many device-seconds are spent."""
    ray.init(
        address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    meter = Meter(budget)
    fixed = {"folder": str(folder), "epochs": epochs, "seed": seed, "is_cached": is_cached}
    space = functools.partial(propose, pixels=pixels, fixed=fixed)
    tuner = tune.Tuner(
        tune.with_resources(train_trial, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            search_alg=OptunaSearch(space, metric="top5", mode="max", seed=seed),
            scheduler=ASHAScheduler(
                metric="top5", mode="max", max_t=epochs, grace_period=GRACE, reduction_factor=FACTOR
            ),
            num_samples=-1,
            max_concurrent_trials=1,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=str(state),
            verbose=0,
            stop=WhenSpent(meter),
            callbacks=[
                Watch(meter),
                MLflowLoggerCallback(
                    tracking_uri=f"sqlite:///{state / 'mlflow.db'}", experiment_name="stock"
                ),
            ],
        ),
    )
    tuner.fit()
    ray.shutdown()
    return meter
