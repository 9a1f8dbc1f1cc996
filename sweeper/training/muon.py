"""Muon for the matrices of a network, AdamW for everything else, as one optimizer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Group = dict[str, Any]


class MuonAdamW(torch.optim.Optimizer):
    """torch's Muon (Jordan et al. 2024) on all matrices but the head's, AdamW on that, biases and norms.

    Muon takes matrices only: a convolution's filters are given to it as rows, as in airbench94. Its updates
    are as large as AdamW's at the same rate (`match_rms_adamw`, Liu et al. 2025, arXiv:2502.16982), so one
    learning rate serves both. A group's `factor` belongs to `set_learning_rate`.
    """

    def __init__(self, matrices: Group, others: Sequence[Group], *, rate: float, momentum: float) -> None:
        super().__init__([matrices, *others], {"lr": rate})
        weights: list[nn.Parameter] = self.param_groups[0]["params"]
        self._views = {weight: nn.Parameter(_order(weight)(weight.detach())) for weight in weights}
        assert all(view.data_ptr() == weight.data_ptr() for weight, view in self._views.items())
        self._muon = torch.optim.Muon(
            list(self._views.values()), lr=rate, momentum=momentum, adjust_lr_fn="match_rms_adamw"
        )
        self._adamw = torch.optim.AdamW(self.param_groups[1:], lr=rate, fused=True) if others else None
        self._connect()

    def _connect(self) -> None:
        """Let both optimizers keep their memory in this one's, which is what a checkpoint holds."""
        self._muon.state.update({view: self.state[weight] for weight, view in self._views.items()})
        if self._adamw is not None:
            self._adamw.param_groups, self._adamw.state = self.param_groups[1:], self.state

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Make one update of all parameters."""
        for weight, view in self._views.items():
            if view.data_ptr() != weight.data_ptr():  # a pack has moved the weight
                view.data = _order(weight)(weight.detach())
            view.grad = None if weight.grad is None else _order(weight)(weight.grad)
        group = self.param_groups[0]
        self._muon.param_groups[0].update(lr=group["lr"], weight_decay=group["weight_decay"])
        self._muon.step()
        if self._adamw is not None:
            self._adamw.step()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(dict(state_dict))
        self._connect()


def _order(weight: Tensor) -> Callable[[Tensor], Tensor]:
    """Return how a weight lies as a matrix in its own memory, one row a filter; its columns have no order."""
    if weight.is_contiguous():
        return lambda tensor: tensor.reshape(len(tensor), -1)
    return lambda tensor: tensor.permute(0, 2, 3, 1).reshape(len(tensor), -1)
