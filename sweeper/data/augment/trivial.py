"""TrivialAugment, apart from the other policies: it alone needs torchvision, a second of import."""

from dataclasses import dataclass
from typing import Any

from sweeper.data.augment import Degrees, Share, Zoom, augmentation
from sweeper.data.augment.parts.draws import Alteration
from sweeper.data.augment.parts.trivial import Trivial
from sweeper.data.augment.policies import Policy


@augmentation("trivial")
def trivial(
    *,
    rotation: Degrees = 0.0,
    shift: Share = 0.0,
    zoom: Zoom = 0.0,
    crop: Zoom = 0.0,
    translate: Zoom = 0.0625,
    flip_horizontal: bool = False,
    flip_vertical: bool = False,
    flip_alternating: bool = True,
    color: Zoom = 0.0,
    erase: Share = 0.0,
    cutout: Zoom = 0.0,
    mixup: Share = 0.0,
) -> Any:  # an Augmentation: what is evaluated here must not need torch
    """As crop_flip, and one of 14 operations of any strength on each image: TrivialAugment."""
    return _TrivialPolicy(
        rotation=rotation,
        shift=shift,
        zoom=zoom,
        crop=crop,
        translate=translate,
        flip_horizontal=flip_horizontal,
        flip_vertical=flip_vertical,
        flip_alternating=flip_alternating,
        color=color,
        erase=erase,
        cutout=cutout,
        mixup=mixup,
    )


@dataclass(frozen=True, kw_only=True)
class _TrivialPolicy(Policy):
    def _own_changes(self) -> list[Alteration]:
        return [Trivial()]
