"""Runs a trial on a worker: its recipe, the shared images, and the training loop."""

import contextlib
import functools
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from sweeper.config.resources import ResourcesSpec
from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.data.dataset import Dataset, open_dataset
from sweeper.errors import DataError, FailureKind, StateError
from sweeper.files import own_folder, write_atomically
from sweeper.training.checkpoint_writer import Saving
from sweeper.training.device import default_device, limit_memory
from sweeper.training.epoch import Epoch, Trained
from sweeper.training.fused import train_together
from sweeper.training.held_out import final_score
from sweeper.training.loop import Stages, stages_of, train
from sweeper.training.pack_kind import kind_of
from sweeper.training.progressive import Progressive
from sweeper.training.recipe import Recipe, compose, stage_sizes
from sweeper.trial import Config, Report, Trial, canonical

MARK, MARK_SECONDS = ".launch", 10.0


class UnseenFolder(StateError):
    """The node that was to train does not see the folder in which checkpoints are kept."""

    failure_kind: ClassVar[FailureKind] = FailureKind.STORAGE


@dataclass(frozen=True)
class Training:
    """Trains one trial. It can be pickled, and is light until it is called."""

    dataset: DatasetSpec
    train: TrainSpec
    metric: str
    cache: Path
    checkpoints: Path
    resources: ResourcesSpec = field(default_factory=ResourcesSpec)
    mark: str = ""
    images: str = ""
    saving: Saving = field(default_factory=Saving)
    limit: Callable[[float], None] = limit_memory
    is_sized: bool = False

    def leave_mark(self) -> None:
        """Write the launch's own mark into the folder of checkpoints, by which other nodes recognize it."""
        own_folder(self.checkpoints, self.checkpoints.parent)
        write_atomically(self.checkpoints / MARK, self.mark, durable=True)

    def prove(self, seconds: float | None = None) -> None:
        """UnseenFolder where this node does not see the mark: its checkpoints would be lost to the others.

        A network file system is given some seconds to show what was just written.
        """
        until = time.monotonic() + (MARK_SECONDS if seconds is None else seconds)
        while self.mark and not self._sees_mark():
            if time.monotonic() > until:
                hint = "mount it there under the same path (docs/cluster.md); SWEEPER_RUNS names another one"
                problem = f"{socket.gethostname()} does not see the sweep's folder"
                raise UnseenFolder(problem, where=str(self.checkpoints), hint=hint)
            time.sleep(0.5)

    def _sees_mark(self) -> bool:
        with contextlib.suppress(OSError):
            return (self.checkpoints / MARK).read_text() == self.mark
        return False

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """Yield one report an epoch. The images stay open for the next trial of this process."""
        return train(trial, *self._made_of(trial), **self._settings(trial))

    def stages(self, trial: Trial) -> Stages:
        """Go through the attempt and leave its epochs to `together`."""
        return stages_of(trial, *self._made_of(trial), **self._settings(trial))

    def together(self, epochs: Sequence[Epoch]) -> list[Trained]:
        """Train an epoch of each trial as one."""
        return train_together(epochs)

    def kind(self, config: Config) -> str:
        """Name what trials that train together have in common; empty for one that must train alone."""
        return kind_of(config, self.train, self.resources).name

    def _made_of(self, trial: Trial) -> tuple[Dataset | Progressive, Recipe]:
        self.prove()
        recipe = compose(trial.config, self.train)
        self.limit(self.resources.of(trial.config).gpu)
        if recipe.train.progressive == 1:
            return self._opened(recipe), recipe
        sizes = stage_sizes(recipe.pixels, recipe.train.progressive)
        stages = {size: self._opened(replace(recipe, pixels=size)) for size in sizes}
        return Progressive(stages, sizes, recipe.train.epochs), recipe

    def _settings(self, trial: Trial) -> dict[str, Any]:
        device = default_device()
        return {
            "objective": self.metric,
            "device": device,
            "share": self.resources.share(trial.config, on_gpu=device.type == "cuda"),
            "threads": max(1, int(self.resources.of(trial.config).cpu)),
            "checkpoints": self.checkpoints,
            "cache": self.cache,
            "saving": self.saving,
            "is_sized": self.is_sized,
        }

    def test(self, config: Config, checkpoint: Path) -> dict[str, float]:
        """Score a checkpoint on the test split; nothing where no image is kept for that."""
        recipe = compose(config, self.train)
        dataset = self._opened(recipe)
        if not dataset.size("test"):
            return {}
        return final_score(checkpoint, dataset, recipe, device=default_device())

    def _opened(self, recipe: Recipe) -> Dataset:
        """Open the images; DataError where they are no longer those that the sweep began with."""
        dataset = open_for(recipe, self.dataset, self.cache)
        if self.images and dataset.images_digest != self.images:
            raise DataError(
                "the images have changed since the sweep began, so its trials cannot be compared",
                where=f"dataset.root {self.dataset.root}",
                hint="put them back as they were, or launch a new sweep",
            )
        return dataset

    def forget(self) -> None:
        """Close the images that were kept open for the next trial, some of them on the device."""
        _open.cache_clear()


def open_for(recipe: Recipe, spec: DatasetSpec, cache: Path) -> Dataset:
    """Open the images that the recipe needs; the last few are kept open."""
    options = canonical(recipe.normalization_options)
    return _open(spec.model_dump_json(), recipe.pixels, recipe.normalization, options, cache)


@functools.lru_cache(maxsize=6)
def _open(spec: str, pixels: int, normalization: str, options: str, cache: Path) -> Dataset:
    return open_dataset(
        DatasetSpec.model_validate_json(spec),
        pixels=pixels,
        normalization=normalization,
        options=json.loads(options),
        cache=cache,
    )
