"""Runs a trial on a worker: its recipe, the shared images, and the training loop."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sweeper.config.resources import ResourcesSpec
from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.errors import FailureKind, StateError
from sweeper.files import own_folder, write_atomically
from sweeper.training.checkpoint_writer import Saving
from sweeper.training.device import default_device, limit_memory
from sweeper.training.epoch import Epoch, Trained
from sweeper.training.fused import train_together
from sweeper.training.held_out import final_score
from sweeper.training.loop import Stages, stages_of, train
from sweeper.training.open_images import Images, forget_images, images_of, open_for
from sweeper.training.pack_kind import kind_of
from sweeper.training.recipe import Recipe, compose
from sweeper.trial import Config, Report, Trial

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

    def _made_of(self, trial: Trial) -> tuple[Images, Recipe]:
        self.prove()
        recipe = compose(trial.config, self.train)
        self.limit(self.resources.of(trial.config).gpu)
        return images_of(recipe, self.dataset, self.cache, self.images), recipe

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
        dataset = open_for(recipe, self.dataset, self.cache, self.images)
        if not dataset.size("test"):
            return {}
        return final_score(checkpoint, dataset, recipe, device=default_device())

    def forget(self) -> None:
        """Close the images that were kept open for the next trial, some of them on the device."""
        forget_images()
