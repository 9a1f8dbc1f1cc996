"""Weights averaged over the steps of training, which are validated and kept in place of the last ones."""

import copy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from sweeper.config.sections import TrainSpec


class AveragedWeights:
    """Exponential moving average of a network's weights and statistics (Polyak, Juditsky 1992).

    The first steps are averaged over fewer (`min(decay, (1 + n) / (10 + n))`, as in TensorFlow), so that the
    first epochs are not held back by the initial weights. `module` is the part of the copy that is trained.
    """

    def __init__(self, whole: nn.Module, module: nn.Module, decay: float) -> None:
        self.whole = copy.deepcopy(whole).requires_grad_(requires_grad=False)
        name = next(name for name, part in whole.named_modules() if part is module)
        self.module = self.whole.get_submodule(name)
        self.decay = decay
        self._pairs = list(zip(_tensors(self.module), _tensors(module), strict=True))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the weights after `step` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averaged = [pair for pair in self._pairs if pair[0].is_floating_point()]
        old, new = [pair[0] for pair in averaged], [pair[1] for pair in averaged]
        get_ema_multi_avg_fn(decay)(old, new, step)
        for counter, current in self._pairs:
            if not counter.is_floating_point():
                counter.copy_(current)


class SlowWeights(AveragedWeights):
    """Lookahead (Zhang et al. 2019, arXiv:1907.08610): slow weights go half of the way every few steps.

    The trained weights then begin again from the slow ones, and keep the optimizer's memory. Statistics of
    normalization are those of the trained weights.
    """

    def __init__(self, whole: nn.Module, module: nn.Module, every: int) -> None:
        super().__init__(whole, module, decay=0.5)
        self.every = every

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move both after `step` (from 0) where it ends a stretch."""
        if (step + 1) % self.every:
            return
        learned = sum(1 for _ in self.module.parameters())
        for slow, fast in self._pairs[:learned]:
            fast.copy_(slow.lerp_(fast, 1 - self.decay))
        for statistic, current in self._pairs[learned:]:
            statistic.copy_(current)


def averaged_weights(whole: nn.Module, module: nn.Module, train: TrainSpec) -> AveragedWeights | None:
    """Return the weights that are validated in place of the trained ones; None for those themselves."""
    if train.lookahead:
        return SlowWeights(whole, module, train.lookahead)
    return AveragedWeights(whole, module, train.ema) if train.ema else None


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
