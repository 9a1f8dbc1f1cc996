"""Makes do with what memory there is: batches go through whole, or in pieces of as many images as fit."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from sweeper.errors import is_out_of_memory

_log = logging.getLogger(__name__)


class Pieces:
    """Passes batches on whole, or in pieces of as many images as were found to fit; the size is remembered.

    Only what treats each image for itself may be passed in pieces, as a network does that is not trained.
    """

    def __init__(self) -> None:
        self._size: int | None = None

    def __call__(self, forward: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        """Return what `forward` makes of the images, in their order; MemoryError where not even one fits."""
        while True:
            size = self._size or len(images)
            try:
                if size >= len(images):
                    return forward(images)
                return torch.cat([forward(piece) for piece in images.split(size)])
            except (RuntimeError, MemoryError) as error:
                self._size = smaller(min(size, len(images)), error)
            free(images.device)  # not before the error has let go of what the failed pass holds


def smaller(size: int, error: BaseException) -> int:
    """Return half of a size that was too large, and log it.

    Raises the error where memory was not its reason, MemoryError where one image was too many.
    """
    if not is_out_of_memory(error):
        raise error
    if size == 1:
        raise MemoryError(f"not one image fits: {error}") from error
    _log.warning("out of memory: going on with %d images at once and the same batches", size // 2)
    return size // 2


def free(device: torch.device) -> None:
    """Give memory that no tensor holds back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
