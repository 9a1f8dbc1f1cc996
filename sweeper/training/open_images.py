"""Opens the images that a trial needs; the last few stay open for the next trial of the process."""

import functools
import json
from dataclasses import replace
from pathlib import Path

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import Dataset, open_dataset
from sweeper.errors import DataError
from sweeper.training.progressive import Progressive
from sweeper.training.recipe import Recipe, stage_sizes
from sweeper.trial import canonical

Images = Dataset | Progressive


def images_of(recipe: Recipe, spec: DatasetSpec, cache: Path, digest: str = "") -> Images:
    """Open what a trial trains on, in every size that it grows through; raises as `open_for` does."""
    if recipe.train.progressive == 1:
        return open_for(recipe, spec, cache, digest)
    sizes = stage_sizes(recipe.pixels, recipe.train.progressive)
    stages = {size: open_for(replace(recipe, pixels=size), spec, cache, digest) for size in sizes}
    return Progressive(stages, sizes, recipe.train.epochs)


def open_for(recipe: Recipe, spec: DatasetSpec, cache: Path, digest: str = "") -> Dataset:
    """Open the images at the recipe's size; DataError where they are no longer those of this digest."""
    options = canonical(recipe.normalization_options)
    dataset = _open(spec.model_dump_json(), recipe.pixels, recipe.normalization, options, cache)
    if digest and dataset.images_digest != digest:
        raise DataError(
            "the images have changed since the sweep began, so its trials cannot be compared",
            where=f"dataset.root {spec.root}",
            hint="put them back as they were, or launch a new sweep",
        )
    return dataset


def forget_images() -> None:
    """Close the images that were kept open, some of them on the device."""
    _open.cache_clear()


@functools.lru_cache(maxsize=6)
def _open(spec: str, pixels: int, normalization: str, options: str, cache: Path) -> Dataset:
    return open_dataset(
        DatasetSpec.model_validate_json(spec),
        pixels=pixels,
        normalization=normalization,
        options=json.loads(options),
        cache=cache,
    )
