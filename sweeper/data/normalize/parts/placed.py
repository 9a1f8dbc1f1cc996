"""Moves fitted numbers to the device of the batch, once."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Placed:
    """Gives the numbers as tensors on a device when it is called. On the CPU a mapped file stays mapped."""

    def __init__(self, numbers: Mapping[str, NDArray[np.generic]]) -> None:
        self._tensors = {name: torch.from_numpy(np.asarray(each)) for name, each in numbers.items()}
        self._held: dict[torch.device, dict[str, Tensor]] = {}

    def __call__(self, device: torch.device) -> dict[str, Tensor]:
        """Return the tensors by name."""
        if device not in self._held:
            self._held[device] = {name: tensor.to(device) for name, tensor in self._tensors.items()}
        return self._held[device]
