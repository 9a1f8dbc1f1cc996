"""Backbones that are built for one image size: their options, and positions from weights of another size."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

from sweeper.errors import SpecError

_POSITIONS = "encoder.pos_embedding"
_MAXVIT = 224  # four halvings, then windows of 7 x 7


def size_options(name: str, pixels: int) -> dict[str, Any]:
    """Return the options that build a network of torchvision for images of `pixels`.

    SpecError where it can only be built for multiples of a patch.
    """
    if name.startswith("vit_"):
        _require_multiple(name, pixels, int(name.rpartition("_")[2]))
        return {"image_size": pixels}
    if name.startswith("maxvit_"):
        _require_multiple(name, pixels, _MAXVIT)
        return {"input_size": (pixels, pixels)}
    return {}


def _require_multiple(name: str, pixels: int, patch: int) -> None:
    if pixels % patch:
        below, above = pixels // patch * patch, -(-pixels // patch) * patch
        near = f"{below} or {above}" if below else f"{above}"
        raise SpecError(
            f"{name} takes images of a multiple of {patch} px, found {pixels}",
            hint=f"write pixels: {near}",
            path="pixels",
        )


def positions_for(
    module: nn.Module, weights: Mapping[str, Tensor], pixels: int
) -> tuple[Mapping[str, Tensor], str]:
    """Return weights whose positions are as many as the module has, and a line where they were interpolated.

    Bicubic, with the corners in place, as torchvision does (Dosovitskiy et al. 2021, section 3.2).
    """
    if not isinstance(module, VisionTransformer) or weights.get(_POSITIONS, torch.empty(0)).ndim != 3:
        return weights, ""
    given = weights[_POSITIONS]
    if given.shape[1] == module.seq_length or round((given.shape[1] - 1) ** 0.5) ** 2 != given.shape[1] - 1:
        return weights, ""
    with torch.device("cpu"):
        fitted = interpolate_embeddings(pixels, module.patch_size, dict(weights))  # pyright: ignore[reportArgumentType]
    side = round((given.shape[1] - 1) ** 0.5) * module.patch_size
    return fitted, f"positions interpolated from {side} px to {pixels} px"
