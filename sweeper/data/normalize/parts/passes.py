"""Reads the training images a batch at a time, in smaller batches where memory is short."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from torch import Tensor

from sweeper.data.normalize import TrainingImages
from sweeper.data.pieces import smaller

T = TypeVar("T")


def passes_that_fit(
    images: TrainingImages, size: int, make: Callable[[Tensor, int], T], *, sizes: list[int] | None = None
) -> Iterator[T]:
    """Yield what `make` makes of each batch and the number of its first image, in one pass.

    Out of memory, in a batch or in `make`, halves the batches from there on; `sizes` remembers the last
    size for the next pass.
    """
    known = sizes if sizes is not None else list[int]()
    done, size = 0, min([size, *known])
    while done < images.count:
        try:
            first = 0
            for batch in images.passes(size):
                first += len(batch)
                if first > done:
                    made = make(batch, first - len(batch))
                    done = first
                    yield made
            return
        except (RuntimeError, MemoryError) as error:
            size = smaller(size, error)
            known.append(size)
