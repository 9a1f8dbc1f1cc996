"""Runs a trial on a worker: its recipe, the shared images, and the training loop."""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sweeper.config.resources import ResourcesSpec
from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.data.dataset import Dataset, open_dataset
from sweeper.training.device import default_device
from sweeper.training.loop import final_score, train
from sweeper.training.recipe import Recipe, compose
from sweeper.trial import Config, Report, Trial, canonical


@dataclass(frozen=True)
class Training:
    """Trains one trial. It can be pickled, and is light until it is called."""

    dataset: DatasetSpec
    train: TrainSpec
    metric: str
    cache: Path
    checkpoints: Path
    resources: ResourcesSpec = field(default_factory=ResourcesSpec)

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """Yield one report an epoch. The images stay open for the next trial of this process."""
        recipe = compose(trial.config, self.train)
        device = default_device()
        share = self.resources.share(trial.config, on_gpu=device.type == "cuda")
        return train(
            trial,
            open_for(recipe, self.dataset, self.cache),
            recipe,
            objective=self.metric,
            device=device,
            share=share,
            checkpoints=self.checkpoints,
            cache=self.cache,
        )

    def test(self, config: Config, checkpoint: Path) -> dict[str, float]:
        """Score a checkpoint on the test split; nothing where no image is kept for that."""
        recipe = compose(config, self.train)
        dataset = open_for(recipe, self.dataset, self.cache)
        if not dataset.size("test"):
            return {}
        return final_score(checkpoint, dataset, recipe, device=default_device())

    def forget(self) -> None:
        """Close the images that were kept open for the next trial, some of them on the device."""
        _open.cache_clear()


def open_for(recipe: Recipe, spec: DatasetSpec, cache: Path) -> Dataset:
    """Open the images that the recipe needs; the last few are kept open."""
    options = canonical(recipe.normalization_options)
    return _open(spec.model_dump_json(), recipe.pixels, recipe.normalization, options, cache)


@functools.lru_cache(maxsize=4)
def _open(spec: str, pixels: int, normalization: str, options: str, cache: Path) -> Dataset:
    return open_dataset(
        DatasetSpec.model_validate_json(spec),
        pixels=pixels,
        normalization=normalization,
        options=json.loads(options),
        cache=cache,
    )
