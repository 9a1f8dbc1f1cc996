"""A trial's network: opened from the sweep's record with its images; pixels go in, probabilities come out."""

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from sweeper.config.spec import SweepSpec
from sweeper.data.dataset import Dataset, open_dataset, open_source
from sweeper.data.decode import Levels, decode
from sweeper.data.index import index_digest
from sweeper.data.normalize import Fitted, Transform
from sweeper.data.pieces import Pieces
from sweeper.data.sources import Pixels, Raw, Split
from sweeper.errors import DataError
from sweeper.inference.best_checkpoint import best_checkpoint
from sweeper.store.history import TrialHistory
from sweeper.store.paths import SweepPaths, cache_root
from sweeper.training.device import autocast, compute_dtype, default_device, keep_memory
from sweeper.training.held_out import restore
from sweeper.training.recipe import Recipe, compose

_BATCH = 256


@dataclass(frozen=True)
class TrainedModel:
    """The network of one trial's best epoch with everything that comes before it.

    `fitted` are the numbers of the normalization, `transform` is the normalization itself. `dtype` is
    the type in which activations are computed, as in training on such a device.
    """

    sweep: str
    number: int
    id: str
    epoch: int
    recipe: Recipe
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    module: nn.Module
    fitted: Fitted
    transform: Transform
    device: torch.device
    dtype: torch.dtype
    levels: Levels = field(default_factory=dict[str, tuple[float, float]])
    in_pieces: Pieces = field(default_factory=Pieces)

    def decode(self, raw: Raw) -> Pixels:
        """Decode one image as the store holds it, (pixels, pixels, channels) uint8; BadImage says why not."""
        channels, pixels, _ = self.shape
        return decode(raw, [pixels], channels=channels, levels=self.levels)[0]

    def normalized(self, pixels: Tensor) -> Tensor:
        """Turn uint8 images (rows, height, width, channels) into what the network takes, on its device."""
        images = pixels.to(self.device).permute(0, 3, 1, 2).to(torch.float32).div_(255)
        return self.transform(images).contiguous(memory_format=torch.channels_last)

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits of a batch that is normalized already, as `Dataset.batches` gives it."""
        with torch.inference_mode(), autocast(self.device, self.dtype):
            return self.in_pieces(self.module, images).float()

    def probabilities(self, pixels: Tensor) -> Tensor:
        """Return float32 (rows, classes) on the CPU for uint8 images (rows, height, width, channels)."""
        return self.logits(self.normalized(pixels)).softmax(1).cpu()


@dataclass(frozen=True)
class Opened:
    """A trial's network, and the images of its sweep at its size and with its normalization."""

    model: TrainedModel
    dataset: Dataset
    spec: SweepSpec
    cache: Path

    def pixels(self, split: Split, most: int | None = None) -> Tensor:
        """Return the first `most` images of the split as the store holds them: uint8, channels last."""
        batches = None if most is None else -(-most // _BATCH)
        parts = list(itertools.islice(self.pixel_batches(split), batches))
        return torch.cat(parts)[:most]

    def pixel_batches(self, split: Split) -> Iterator[Tensor]:
        """Yield the split as the store holds it, some 256 images at a time."""
        for images, _ in self._plain.batches(split, batch_size=_BATCH):
            # times 255 and rounded is what was divided by 255, to the last bit
            yield images.mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous()

    @functools.cached_property
    def _plain(self) -> Dataset:
        return open_dataset(self.spec.dataset, pixels=self.model.recipe.pixels, cache=self.cache)


def open_trial(
    paths: SweepPaths,
    meta: Mapping[str, str],
    spec: SweepSpec,
    trial: TrialHistory,
    *,
    device: torch.device | None = None,
) -> Opened:
    """Open the network of the trial's best epoch, after its checkpoint is verified.

    This needs the store of the sweep's images, which decides the splits and the numbers of the
    normalization. DataError where the images are no longer those that the sweep saw.
    """
    where = device or default_device()
    keep_memory()
    checkpoint, epoch = best_checkpoint(paths, spec, trial)
    cache = cache_root()
    check_images(meta, spec, cache)
    recipe = compose(trial.config, spec.train)
    dataset = open_dataset(
        spec.dataset,
        pixels=recipe.pixels,
        normalization=recipe.normalization,
        options=recipe.normalization_options,
        cache=cache,
    )
    model = TrainedModel(
        sweep=paths.name,
        number=trial.number,
        id=trial.id,
        epoch=epoch,
        recipe=recipe,
        shape=dataset.shape,
        classes=dataset.classes,
        module=restore(checkpoint, recipe, shape=dataset.shape, classes=len(dataset.classes), device=where),
        fitted=dataset.fitted,
        transform=dataset.transform,
        device=where,
        dtype=compute_dtype(recipe.train, where),
        levels=dataset.levels,
    )
    return Opened(model, dataset, spec, cache)


def check_images(meta: Mapping[str, str], spec: SweepSpec, cache: Path) -> None:
    """Raise DataError where the images are not those that the sweep was launched with."""
    launched = meta.get("data_digest")
    if launched and index_digest(open_source(spec.dataset), cache) != launched:
        raise DataError(
            "the images have changed since the sweep, so its splits and statistics cannot be had again",
            where=spec.dataset.root or spec.dataset.source,
            hint="put them back as they were, or launch a new sweep",
        )
