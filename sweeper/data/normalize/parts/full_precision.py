"""Keeps the products of a normalization in float32 where training multiplies in TensorFloat-32."""

import contextlib
import functools
from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import Tensor


@contextlib.contextmanager
def full_precision() -> Generator[None]:
    """Multiply and convolve in all 24 bits for the block: whitening is the difference of close numbers.

    TF32 keeps 11 of them. The settings are the process's, as torch has them.
    """
    cudnn: Any = torch.backends.cudnn  # has no types for this
    settings = torch.backends.cuda.matmul, cudnn.conv
    before = [each.fp32_precision for each in settings]
    try:
        for each in settings:
            each.fp32_precision = "ieee"
        yield
    finally:
        for each, precision in zip(settings, before, strict=True):
            each.fp32_precision = precision


def in_full_precision(transform: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return the transform, whose products are computed in full."""

    @functools.wraps(transform)
    def apply(batch: Tensor) -> Tensor:
        if torch.compiler.is_compiling():  # an exported network runs where its reader sets the precision
            return transform(batch)
        with full_precision():
            return transform(batch)

    return apply
