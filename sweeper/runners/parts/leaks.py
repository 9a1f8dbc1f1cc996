"""This finds device memory that a worker still holds after an attempt that should have given it back."""

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass

LEAST_BYTES = 1 << 30
"""Memory that a worker may keep whatever the device is: kernels, and the images of small data sets."""
SHARE = 0.1
"""Of the device's memory, where that is more."""


def device_memory() -> int:
    """Return the bytes of device memory that this process holds after giving back what it no longer needs.

    They are 0 where it has touched no GPU; torch is not imported for it.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    gc.collect()
    torch.cuda.empty_cache()
    return int(torch.cuda.memory_reserved())


def allowed_bytes() -> int:
    """Return how much more than at its start a worker may hold before its next attempt."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return LEAST_BYTES
    return max(LEAST_BYTES, int(SHARE * torch.cuda.mem_get_info()[1]))


@dataclass
class Leaks:
    """Compares before each start with the level before the first one.

    `forget` lets go of what is kept on purpose for the next attempt, such as images on the device: what
    is still held after it has leaked.
    """

    probe: Callable[[], int] = device_memory
    forget: Callable[[], object] = lambda: None
    allowed: Callable[[], int] = allowed_bytes
    _level: int | None = None

    def found(self) -> str:
        """Say what the worker still holds; empty where it may be used again."""
        held = self.probe()
        if self._level is None:
            self._level = held
        if held - self._level > self.allowed():
            self.forget()
            held = self.probe()
        if held - self._level <= self.allowed():
            return ""
        return f"it still holds {(held - self._level) / 1e9:.1f} GB of device memory"
