"""Optimizers, learning-rate schedules and the loss, from the sweep file's `train` section."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.config.sections import TrainSpec

WARM_UP = 0.25  # of the steps of a one-cycle schedule rise to the peak

Loss = Callable[[Tensor, Tensor], Tensor]


def build_optimizer(module: nn.Module, train: TrainSpec, device: torch.device) -> torch.optim.Optimizer:
    """Build the optimizer of the parameters that learn; biases and normalization get no weight decay.

    It is fused where torch can (3 times faster than a loop over parameters on a CPU). On a GPU the
    learning rate is a tensor, so that a captured graph sees it change.
    """
    on_gpu = device.type == "cuda"
    rate: Any = torch.tensor(train.learning_rate, device=device) if on_gpu else train.learning_rate
    groups = _decay_groups(module.parameters(), train.weight_decay)
    match train.optimizer:
        case "sgd":
            nesterov = train.momentum > 0
            return torch.optim.SGD(groups, lr=rate, momentum=train.momentum, nesterov=nesterov, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, foreach=True, capturable=on_gpu)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, fused=True, capturable=on_gpu)
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, fused=True, capturable=on_gpu)


def _decay_groups(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    learning = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every group, without waiting for the device."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def learning_rate(train: TrainSpec, step: int, steps: int) -> float:
    """Return the rate of `step` (from 0) of `steps`, in closed form, so that resuming needs no state."""
    peak = train.learning_rate
    if train.schedule == "constant":
        return peak
    if train.schedule == "cosine":
        return peak * _cosine(step / steps)
    turn = max(1, round(WARM_UP * steps))
    if step < turn:
        return peak * (step + 1) / turn
    return peak * _cosine((step - turn) / max(1, steps - turn))


def _cosine(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def balanced_weights(labels: Tensor, classes: int) -> Tensor:
    """Return weights under which classes count the same: 1 on average over images, 0 for an empty class."""
    counts = torch.bincount(labels, minlength=classes).double()
    present = counts > 0
    weights = len(labels) / (present.sum() * counts.clamp(min=1))
    return torch.where(present, weights, 0.0).float()


def build_loss(train: TrainSpec, weights: Tensor | None) -> Loss:
    """Build the cross-entropy summed over images; the caller divides by the batch's `loss_normalizer`."""

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(
            logits.float(), labels, weight=weights, label_smoothing=train.label_smoothing, reduction="sum"
        )

    return loss


def loss_normalizer(labels: Tensor, weights: Tensor | None) -> Tensor | int:
    """Return the divisor that makes the summed loss torch's mean; labels may be class probabilities."""
    if weights is None or labels.ndim > 1:
        return len(labels)
    return weights[labels].sum()
