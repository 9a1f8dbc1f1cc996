"""Weights averaged over the steps of training, which are validated and kept in place of the last ones."""

import copy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


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


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
