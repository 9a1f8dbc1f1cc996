"""Transfer learning: a backbone with weights learned elsewhere, frozen as far as wanted, and an own head."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from sweeper.errors import SpecError
from sweeper.models import Activation, Fraction, Shape, Width, model
from sweeper.models.parts.backbone import TOO_SMALL, least_pixels, stages, width
from sweeper.models.parts.backbone import backbone as build_backbone
from sweeper.models.parts.blocks import dense_head

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@model("pretrained")
def pretrained(
    shape: Shape,
    classes: int,
    *,
    backbone: str = "resnet18",
    weights: str = "imagenet",
    freeze: Literal["all", "none"] | Annotated[int, Field(ge=0)] = "all",
    dense: list[Width] = [],  # noqa: B006  (never written to; the signature is the schema)
    activation: Activation = "relu",
    dropout: Fraction = 0.0,
    inputs: Literal["unit", "normalized"] = "unit",
) -> nn.Module:
    """Any torchvision classification network, or `timm/<name>`, with global pooling and an own dense head.

    `weights`: imagenet (torchvision's best, from its cache or the internet), none, or a file (safetensors
    or a state dict). `freeze`: all, none, or how many stages from the image on. `inputs` is filled in from
    the trial's normalization: images between 0 and 1 get ImageNet's mean and deviation here.
    """
    base = build_backbone(backbone, weights, shape[1])
    frozen = _frozen_parts(base, backbone, freeze)
    values = _width(base, backbone, shape[1])
    head = dense_head(values, classes, dense=dense, activation=activation, dropout=dropout)
    return _Transfer(base, head, frozen, channels=shape[0], inputs=inputs)


def _width(base: nn.Module, name: str, pixels: int) -> int:
    """Count the values in an image's vector; SpecError where the image is too small for the backbone."""
    try:
        return width(base, pixels)
    except TOO_SMALL as error:
        least = least_pixels(name)
        if pixels >= least:
            raise
        raise SpecError(
            f"{name} takes images of at least {least} px, found {pixels}", path="pixels"
        ) from error


def _frozen_parts(base: nn.Module, name: str, freeze: str | int) -> list[nn.Module]:
    if freeze == "all":
        return [base]
    groups = stages(base)
    count = 0 if isinstance(freeze, str) else freeze
    if count > len(groups):
        raise SpecError(f"freeze: {name} has {len(groups)} stages, found {count}", hint="write all, or fewer")
    return [part for stage in groups[:count] for part in stage]


class _Transfer(nn.Module):
    """Frozen parts neither learn nor update their moving statistics, in training too."""

    def __init__(
        self, base: nn.Module, head: nn.Module, frozen: list[nn.Module], *, channels: int, inputs: str
    ) -> None:
        super().__init__()
        self.base = base
        self.head = head
        self.notes: tuple[str, ...] = base.notes  # pyright: ignore[reportAttributeAccessIssue]
        self._frozen = tuple(frozen)
        self._is_gray = channels == 1
        self._has_unit_inputs = inputs == "unit"
        self.mean = nn.Buffer(torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.deviation = nn.Buffer(torch.tensor(_IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)
        for part in frozen:
            part.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> "_Transfer":
        """Switch to training as usual, but keep frozen parts in evaluation."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the head's logits of the backbone's vectors."""
        return self.head(self.vectors(x))

    def vectors(self, x: Tensor) -> Tensor:
        """Return the backbone's vector of each image; gray images count as three equal channels."""
        if self._is_gray:
            x = x.expand(-1, 3, -1, -1)
        if self._has_unit_inputs:
            x = (x - self.mean) / self.deviation
        return self.base(x).flatten(1)
