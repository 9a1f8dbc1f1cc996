"""Augmentations change whole batches on the device that trains; each module is a family of policies."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from sweeper.registry import Registry

if TYPE_CHECKING:  # the names and options of policies are known without torch
    import torch
    from torch import Tensor

# images float32 NCHW between 0 and 1, and the generator that every draw comes from
Augmentation = Callable[["Tensor", "torch.Generator"], "Tensor"]

Degrees = Annotated[float, Field(ge=0, le=180)]
Share = Annotated[float, Field(ge=0, le=1)]
Zoom = Annotated[float, Field(ge=0, lt=1)]

augmentation: Registry[Callable[..., Augmentation]] = Registry("augmentation", "sweeper.data.augment")
