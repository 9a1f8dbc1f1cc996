"""Trials whose networks are equal train an epoch as one; each keeps its own images, optimizer and figures."""

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sweeper.data.pieces import free
from sweeper.errors import is_out_of_memory
from sweeper.training.core_time import CoreTime
from sweeper.training.epoch import Epoch, Trained
from sweeper.training.fused_step import Batch, FusedStep, dropping, signature
from sweeper.training.learner import Learner
from sweeper.training.optim import learning_rate, set_learning_rate
from sweeper.training.step import GraphedStepper, Stepper

_log = logging.getLogger(__name__)


def train_together(epochs: Sequence[Epoch]) -> list[Trained]:
    """Train and validate an epoch of each trial, those of equal networks in one.

    The seconds of each are its validation's and an equal part of its group's training: those of all add up to
    what was taken. What a step as one has no memory for, is made one trial after the other.
    """
    lap, cores = _stopwatch(epochs[0].clock), CoreTime.now()
    losses: dict[int, float] = {}
    training: dict[int, float] = {}
    own: dict[int, float] = {}
    for group in _groups(epochs):
        losses |= zip(group, _losses([epochs[place] for place in group]), strict=True)
        seconds = lap()
        training |= dict.fromkeys(group, seconds)
        own |= dict.fromkeys(group, seconds / len(group))
    validated: list[dict[str, float]] = []
    for place, epoch in enumerate(epochs):
        scores = epoch.learner.validate()
        validated.append(scores | {"validation_seconds": (seconds := lap())})
        own[place] += seconds
    used, whole = CoreTime.now().since(cores), max(sum(own.values()), 1e-9)
    return [
        Trained(
            {
                "train/loss": losses[place],
                **validated[place],
                "images_per_second": epoch.learner.images_per_epoch / max(training[place], 1e-9),
                **{name: value * own[place] / whole for name, value in used.items()},
            },
            own[place],
        )
        for place, epoch in enumerate(epochs)
    ]


def _stopwatch(clock: Callable[[], float]) -> Callable[[], float]:
    """Return what gives the seconds since it was asked before."""
    before = clock()

    def lap() -> float:
        nonlocal before
        since, before = before, clock()
        return before - since

    return lap


def _groups(epochs: Sequence[Epoch]) -> list[list[int]]:
    """Return those that are computed as one, by place; the first has every layer that drops something."""
    groups: list[list[int]] = []
    drops = [dropping(epoch.learner.module) for epoch in epochs]
    keys = [_key(epoch) for epoch in epochs]
    for place in sorted(range(len(epochs)), key=lambda place: -len(drops[place])):
        fitting = (
            group for group in groups if keys[group[0]] == keys[place] and drops[group[0]] >= drops[place]
        )
        if group := next(fitting, None):
            group.append(place)
        else:
            groups.append([place])
    return groups


def _key(epoch: Epoch) -> str:
    learner = epoch.learner
    return f"{learner.batch_size} {learner.steps} {learner.dtype}\n{signature(learner.module)}"


def _plain(learner: Learner) -> Stepper:
    return learner.step.plain if isinstance(learner.step, GraphedStepper) else learner.step


def _losses(epochs: Sequence[Epoch]) -> list[float]:
    """Make the updates of an epoch, and return the mean loss of each trial."""
    learners = [epoch.learner for epoch in epochs]
    if len(epochs) == 1:
        return [learners[0].train_epoch(epochs[0].batches(), epochs[0].number)]
    step = _Step([_plain(learner) for learner in learners])
    totals = [torch.zeros((), dtype=torch.float64, device=learner.device) for learner in learners]
    for done, batches in enumerate(zip(*(epoch.batches() for epoch in epochs), strict=True)):
        for epoch, learner in zip(epochs, learners, strict=True):
            last = learner.train.epochs * learner.steps
            rate = learning_rate(learner.train, _before(epoch) + done, last)
            set_learning_rate(learner.optimizer, rate)
        for total, loss in zip(totals, step(batches), strict=True):
            total += loss
        for epoch, learner in zip(epochs, learners, strict=True):
            if learner.averaged is not None:
                learner.averaged.update(_before(epoch) + done)
    return [total.item() / learner.steps for total, learner in zip(totals, learners, strict=True)]


class _Step:
    """One update of each network: as one, or one after the other once memory was short."""

    def __init__(self, steppers: Sequence[Stepper]) -> None:
        self._steppers = steppers
        self._fused: FusedStep | None = FusedStep(steppers)

    def __call__(self, batches: Sequence[Batch]) -> list[Tensor]:
        losses = self._gradients(batches)
        if losses is None:
            return [stepper(*batch) for stepper, batch in zip(self._steppers, batches, strict=True)]
        for stepper in self._steppers:
            stepper.update()
        return losses

    def _gradients(self, batches: Sequence[Batch]) -> list[Tensor] | None:
        if self._fused is None:
            return None
        try:
            return self._fused(batches)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        _log.warning("out of memory: %d trials are too many at once, each trains alone", len(batches))
        self._fused = None
        free(self._steppers[0].device)
        return None


def _before(epoch: Epoch) -> int:
    """Count the steps of the trial's earlier epochs."""
    return (epoch.number - 1) * epoch.learner.steps
