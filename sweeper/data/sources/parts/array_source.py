"""A source whose pixels lie in memory, loaded at first use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from sweeper.data.sources import Item, Pixels, Split


@dataclass(frozen=True, slots=True)
class Images:
    """Equal-sized uint8 images (rows, height, width, channels), their labels and, where given, splits."""

    pixels: Pixels
    labels: Sequence[int]
    classes: Sequence[str]
    splits: Sequence[Split | None] | None = None


class ArraySource:
    """Serves what `load` returns; `load` runs once, when the first item is asked for."""

    max_bad = 0.0
    layout = ""

    def __init__(self, fingerprint: str, channels: int, load: Callable[[], Images]) -> None:
        self.fingerprint = fingerprint
        self.channels = channels
        self.notes: Sequence[str] = ()
        self._load = load

    @cached_property
    def _images(self) -> Images:
        return self._load()

    @property
    def classes(self) -> Sequence[str]:
        """Class names in label order."""
        return self._images.classes

    @property
    def items(self) -> Sequence[Item]:
        """One item a row; its key is the row number."""
        return self._items

    @cached_property
    def _items(self) -> list[Item]:
        images = self._images
        splits = images.splits or [None] * len(images.labels)
        pairs = zip(images.labels, splits, strict=True)
        return [Item(f"{row:06d}", int(label), split) for row, (label, split) in enumerate(pairs)]

    def read(self, index: int) -> Pixels:
        """Return the row itself, not a copy."""
        return self._images.pixels[index]
