"""Which parameters of a network share a learning rate and a weight decay."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from sweeper.config.sections import TrainSpec
from sweeper.errors import SpecError

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)  # pyright: ignore[reportPrivateUsage]


def parameter_groups(module: nn.Module, train: TrainSpec) -> list[dict[str, Any]]:
    """Return the optimizer's groups: weights first, then biases and norms, which get no weight decay.

    A group's `factor` is its rate as a multiple of the trial's learning rate. For Muon the first group is
    what Muon moves: every weight with two dimensions or more, but for the head's.
    """
    is_muon = train.optimizer == "muon"
    found: dict[tuple[bool, float, float], list[nn.Parameter]] = {}
    head = _head(module)
    for parameter, kind in _kinds(module, head):
        is_weight = kind in ("weight", "head")
        factor = {"weight": 1.0, "head": train.head_rate, "bias": train.bias_rate, "norm": train.norm_rate}[
            kind
        ]
        for_muon = is_muon and kind == "weight"
        decay = train.weight_decay if is_weight else 0.0
        found.setdefault((for_muon, decay, factor), []).append(parameter)
    ordered = sorted(found, key=lambda key: (not key[0], key[1] == 0.0))
    return [{"params": found[key], "weight_decay": key[1], "factor": key[2]} for key in ordered]


def check_optimizer(module: nn.Module, train: TrainSpec) -> None:
    """SpecError where Muon would have no matrix to move."""
    if train.optimizer == "muon" and "weight" not in {kind for _, kind in _kinds(module, _head(module))}:
        raise SpecError(
            "optimizer: muon moves the matrices before the head, and this network trains none",
            hint="take adamw, or unfreeze a part",
        )


def _head(module: nn.Module) -> Tensor | None:
    """The weight of the last dense layer, which gives the logits."""
    dense = [part for part in module.modules() if isinstance(part, nn.Linear)]
    return dense[-1].weight if dense else None


def _kinds(module: nn.Module, head: Tensor | None) -> Iterator[tuple[nn.Parameter, str]]:
    """Each parameter that learns, once: weight, head, bias or norm."""
    norms = {id(p) for part in module.modules() if isinstance(part, _NORMS) for p in part.parameters()}
    for parameter in module.parameters():
        if parameter.requires_grad:
            if id(parameter) in norms:
                yield parameter, "norm"
            elif parameter.ndim <= 1:
                yield parameter, "bias"
            else:
                yield parameter, "head" if parameter is head else "weight"
