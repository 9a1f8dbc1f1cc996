"""Which parameters of a network share a learning rate and a weight decay."""

from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from torch import Tensor, nn

from sweeper.config.sections import TrainSpec
from sweeper.errors import SpecError

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)  # pyright: ignore[reportPrivateUsage]


class Role(Enum):
    """What a parameter is in its network: `HEAD` is the weight that gives the logits."""

    MATRIX = auto()
    HEAD = auto()
    BIAS = auto()
    NORM = auto()


def parameter_groups(module: nn.Module, train: TrainSpec) -> list[dict[str, Any]]:
    """Return the optimizer's groups: weights first, then biases and norms, which get no weight decay.

    A group's `factor` is its rate as a multiple of the trial's learning rate. For Muon the first group is
    what Muon moves: every weight with two dimensions or more, but for the head's.
    """
    rates = {
        Role.MATRIX: 1.0, Role.HEAD: train.head_rate, Role.BIAS: train.bias_rate, Role.NORM: train.norm_rate,
    }  # fmt: skip
    found: dict[tuple[bool, float, float], list[nn.Parameter]] = {}
    for parameter, role in _roles(module):
        is_muons = train.optimizer == "muon" and role is Role.MATRIX
        decay = train.weight_decay if role in (Role.MATRIX, Role.HEAD) else 0.0
        found.setdefault((is_muons, decay, rates[role]), []).append(parameter)
    ordered = sorted(found, key=lambda key: (not key[0], key[1] == 0.0))
    return [{"params": found[key], "weight_decay": key[1], "factor": key[2]} for key in ordered]


def check_optimizer(module: nn.Module, train: TrainSpec) -> None:
    """SpecError where Muon would have no matrix to move."""
    if train.optimizer == "muon" and all(role is not Role.MATRIX for _, role in _roles(module)):
        raise SpecError(
            "optimizer: muon moves the matrices before the head, and this network trains none",
            hint="take adamw, or unfreeze a part",
        )


def _roles(module: nn.Module) -> Iterator[tuple[nn.Parameter, Role]]:
    """Each parameter that learns, once."""
    norms = {id(p) for part in module.modules() if isinstance(part, _NORMS) for p in part.parameters()}
    head = _head(module)
    for parameter in module.parameters():
        if parameter.requires_grad:
            if id(parameter) in norms:
                yield parameter, Role.NORM
            elif parameter.ndim <= 1:
                yield parameter, Role.BIAS
            else:
                yield parameter, Role.HEAD if parameter is head else Role.MATRIX


def _head(module: nn.Module) -> Tensor | None:
    """The weight of the last dense layer."""
    dense = [part for part in module.modules() if isinstance(part, nn.Linear)]
    return dense[-1].weight if dense else None
