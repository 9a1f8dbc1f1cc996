"""Sources of images, one module each: a source only lists and reads, the store decodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeper.registry import Registry

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
Pixels = NDArray[np.uint8]
Raw = bytes | Pixels


@dataclass(frozen=True, slots=True)
class Item:
    """One labeled image of a source, not yet read.

    `key` names it for people and for `group_by`: the path below the root, or an index. `split` is
    where the source itself puts it. `box` (left, top, right, bottom; pixels of the upright image)
    is the part that counts.
    """

    key: str
    label: int
    split: Split | None = None
    box: tuple[int, int, int, int] | None = None


class Source(Protocol):
    """Labeled images in a fixed order that does not depend on how the disk lists them.

    Opening a source is cheap: what reads files happens in `items` or `read`.
    """

    @property
    def fingerprint(self) -> str:
        """A text that changes whenever the content may have: from names, sizes and times, not from bytes."""
        ...

    @property
    def channels(self) -> int:
        """1 for gray images, 3 for color; the store converts to it."""
        ...

    @property
    def max_bad(self) -> float:
        """The share of unreadable images above which the source is refused."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What is odd about the data, but not fatal; one sentence each."""
        ...

    @property
    def layout(self) -> str:
        """How files and folders were understood, in one sentence; empty where there was nothing to guess."""
        ...

    @property
    def classes(self) -> Sequence[str]:
        """Class names in label order."""
        ...

    @property
    def items(self) -> Sequence[Item]:
        """Every image, readable or not."""
        ...

    def read(self, index: int) -> Raw:
        """Return the encoded file, or its pixels (height, width, channels). Threads may call it at once."""
        ...


source: Registry[Callable[..., Source]] = Registry("source", "sweeper.data.sources")
