"""Draws initial weights from one explicit generator, so that a trial's seed decides them everywhere."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sweeper.models import Scheme

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)  # pyright: ignore[reportPrivateUsage]


class GlorotSequential(nn.Sequential):
    """Layers in a line that start with Keras's default weights."""

    initial: Scheme = "glorot_uniform"


def _he_normal(weight: Tensor, generator: torch.Generator) -> None:
    nn.init.kaiming_normal_(weight, generator=generator)


def _glorot_uniform(weight: Tensor, generator: torch.Generator) -> None:
    nn.init.xavier_uniform_(weight, generator=generator)


def _dirac(weight: Tensor, generator: torch.Generator) -> None:
    """Let a convolution's first filters pass their input on, as airbench94 (Jordan 2024); draw the rest."""
    bound = weight[0].numel() ** -0.5
    weight.uniform_(-bound, bound, generator=generator)
    if weight.ndim == 4:
        nn.init.dirac_(weight[: weight.shape[1]])


_DRAWS: dict[Scheme, Callable[[Tensor, torch.Generator], None]] = {
    "he_normal": _he_normal,
    "glorot_uniform": _glorot_uniform,
    "dirac": _dirac,
}


def initialize(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every parameter anew, in the order of the layers.

    Convolutions and dense layers start by the module's `initial` (a `Scheme`, He-normal by default) with
    zero biases, normalization layers as ones and zeros. A part whose `is_loaded` is true keeps its weights.
    """
    with torch.no_grad():
        _initialize(module, getattr(module, "initial", "he_normal"), generator)


def _initialize(part: nn.Module, scheme: Scheme, generator: torch.Generator) -> None:
    if getattr(part, "is_loaded", False):
        return
    if isinstance(part, nn.Conv2d | nn.Linear):
        # drawn apart: filling a channels_last weight in place would put the numbers elsewhere
        drawn = torch.empty(part.weight.shape)
        _DRAWS[scheme](drawn, generator)
        part.weight.copy_(drawn)
        if part.bias is not None:
            part.bias.zero_()
    elif isinstance(part, _NORMS):
        part.reset_parameters()
    else:
        _draw_loose_parameters(part, generator)
    for child in part.children():
        _initialize(child, scheme, generator)


def _draw_loose_parameters(part: nn.Module, generator: torch.Generator) -> None:
    """Draw the parameters of other libraries' modules (class tokens, layer scales); constants stay."""
    for parameter in part.parameters(recurse=False):
        if parameter.numel() > 1 and bool((parameter != parameter.flatten()[0]).any()):
            parameter.normal_(0.0, 0.02, generator=generator)
