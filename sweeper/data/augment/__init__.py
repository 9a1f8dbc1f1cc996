"""Augmentations change whole batches on the device that trains; each module is a family of policies."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Protocol, runtime_checkable

from pydantic import Field

from sweeper.registry import Registry

if TYPE_CHECKING:  # the names and options of policies are known without torch
    import torch
    from torch import Tensor

# images float32 NCHW between 0 and 1, and the generator that every draw comes from
Augmentation = Callable[["Tensor", "torch.Generator"], "Tensor"]


@runtime_checkable
class DrawsByEpoch(Protocol):
    """An augmentation that draws for all images of an epoch at once, which spares a GPU most launches."""

    def epoch(
        self, count: int, generator: "torch.Generator", device: "torch.device"
    ) -> "Callable[[Tensor, int], Tensor]":
        """Return a function of a batch and of its first image's place in the epoch."""
        ...


Degrees = Annotated[float, Field(ge=0, le=180)]
Share = Annotated[float, Field(ge=0, le=1)]
Zoom = Annotated[float, Field(ge=0, lt=1)]

augmentation: Registry[Callable[..., Augmentation]] = Registry("augmentation", "sweeper.data.augment")
