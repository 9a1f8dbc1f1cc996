"""Named policies; each range is an option, so that a sweep may search over it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sweeper.data.augment import Augmentation, Degrees, Share, Zoom, augmentation
from sweeper.data.augment.parts.affine import Affine, Crop
from sweeper.data.augment.parts.color import Cutout, Erase, Jitter
from sweeper.data.augment.parts.draws import Alteration, Draws
from sweeper.data.augment.parts.translate import Translate


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Ranges from which every image draws anew.

    The data set applies `mixup`, because it mixes labels too, and `flip_alternating`, because it must know
    which images these are. A named policy inherits the options and says which defaults are its own.
    """

    rotation: Degrees = 0.0
    shift: Share = 0.0
    zoom: Zoom = 0.0
    crop: Zoom = 0.0
    translate: Zoom = 0.0
    flip_horizontal: bool = False
    flip_vertical: bool = False
    flip_alternating: bool = False
    color: Zoom = 0.0
    erase: Share = 0.0
    cutout: Zoom = 0.0
    mixup: Share = 0.0

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Alteration one batch by what is drawn for it alone."""
        return self.epoch(len(images), generator, images.device)(images, 0)

    def epoch(self, count: int, generator: torch.Generator, device: torch.device) -> Draws:
        """Draw for an epoch of `count` images at once: each batch is then changed by its own part."""
        return Draws(self._changes(), count, generator, device)

    def _changes(self) -> list[Alteration]:
        """Geometry first, then what only this policy does, then colors, then what is erased."""
        flips = self.flip_horizontal or self.flip_vertical
        changes: list[tuple[object, Alteration]] = [
            (self.crop, Crop(self.crop)),
            (self.translate, Translate(self.translate)),
            (self.rotation or self.shift or self.zoom or flips, self._affine()),
            *((True, change) for change in self._own_changes()),
            (self.color, Jitter(self.color)),
            (self.erase, Erase(self.erase)),
            (self.cutout, Cutout(self.cutout)),
        ]
        return [change for asked, change in changes if asked]

    def _own_changes(self) -> list[Alteration]:
        return []

    def _affine(self) -> Affine:
        return Affine(
            rotation=self.rotation,
            shift=self.shift,
            zoom=self.zoom,
            flip_horizontal=self.flip_horizontal,
            flip_vertical=self.flip_vertical,
        )


@augmentation("none")
def none() -> Augmentation:
    """The images as they are."""
    return Policy()


@augmentation("light")
@dataclass(frozen=True, kw_only=True)
class Light(Policy):
    """Rotation within 10 degrees, shifts and zoom within 10 %, no flips: safe for digits and text."""

    rotation: Degrees = 10.0
    shift: Share = 0.1
    zoom: Zoom = 0.1


@augmentation("basic")
@dataclass(frozen=True, kw_only=True)
class Basic(Policy):
    """The food study's: rotation within 90 degrees, shifts within 20 %, both flips."""

    rotation: Degrees = 90.0
    shift: Share = 0.2
    flip_horizontal: bool = True
    flip_vertical: bool = True


@augmentation("strong")
@dataclass(frozen=True, kw_only=True)
class Strong(Policy):
    """As basic, and zoom within 20 %, colors within 30 %, a patch erased in every fourth image."""

    rotation: Degrees = 90.0
    shift: Share = 0.2
    zoom: Zoom = 0.2
    flip_horizontal: bool = True
    flip_vertical: bool = True
    color: Zoom = 0.3
    erase: Share = 0.25


@augmentation("crop_flip")
@dataclass(frozen=True, kw_only=True)
class CropFlip(Policy):
    """Whole-pixel shifts within a sixteenth of the side and alternating flips, as in airbench94 at 32 px."""

    translate: Zoom = 0.0625
    flip_alternating: bool = True


@augmentation("custom")
@dataclass(frozen=True, kw_only=True)
class Custom(Policy):
    """Nothing but the ranges that are given."""
