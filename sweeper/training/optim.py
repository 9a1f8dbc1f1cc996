"""Optimizers, learning-rate schedules and the loss, from the sweep file's `train` section."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.config.sections import TrainSpec
from sweeper.training.muon import MuonAdamW
from sweeper.training.parameter_groups import parameter_groups

WARM_UP = 0.25  # of the steps of a one-cycle schedule rise to the peak
STABLE_WARM_UP, DECAY = (
    0.05,
    0.4,
)  # of those of warm-up, stable, decay (Hu et al. 2024, MiniCPM) rise and fall

Loss = Callable[[Tensor, Tensor], Tensor]


def build_optimizer(
    module: nn.Module, train: TrainSpec, device: torch.device, *, is_recorded: bool | None = None
) -> torch.optim.Optimizer:
    """Build the optimizer of the parameters that learn; biases and normalization get no weight decay.

    It is fused where torch can (3 times faster than a loop over parameters on a CPU). Where the step is
    recorded as a graph, as on a GPU, the learning rate is a tensor, so that a replay sees it change; Muon,
    which cannot be recorded, gets a number.
    """
    on_gpu = device.type == "cuda"
    is_capturable = (on_gpu if is_recorded is None else is_recorded) and can_capture(train)
    rate: Any = torch.tensor(train.learning_rate, device=device) if is_capturable else train.learning_rate
    groups = parameter_groups(module, train)
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
        case "muon":
            return MuonAdamW(groups[0], groups[1:], rate=rate, momentum=train.momentum)


def can_capture(train: TrainSpec) -> bool:
    """Return whether the step can be captured as a CUDA graph: torch's Muon reads its rate on the host."""
    return train.optimizer != "muon"


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every group, times the group's own factor, without waiting for the device."""
    for group in optimizer.param_groups:
        own = rate * group.get("factor", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(own)
        else:
            group["lr"] = own


def learning_rate(train: TrainSpec, step: int, steps: int) -> float:
    """Return the rate of `step` (from 0) of `steps`, in closed form, so that resuming needs no state."""
    peak = train.learning_rate
    if train.schedule == "constant":
        return peak
    if train.schedule == "cosine":
        return peak * _cosine(step / steps)
    if train.schedule == "linear":
        return peak * (1 - step / steps)
    if train.schedule == "warmup_stable_decay":
        rise, fall = max(1, round(STABLE_WARM_UP * steps)), max(1, round(DECAY * steps))
        return peak * min(1.0, (step + 1) / rise, (steps - step) / fall)
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
