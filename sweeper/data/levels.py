"""What the decoded pixels of an image tell before it is made small: what it is a copy of, and its range."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sweeper.data.decode import as_rgb, deep_values, keeps_half_of_its_bits, read_image

Depth = Literal["8", "whole", "fraction", "color16"]


@dataclass(frozen=True, slots=True)
class Look:
    """The digest of the pixels, whatever the file's format, and the lowest and highest value of deep ones."""

    pixels: str
    depth: Depth = "8"
    low: float = 0.0
    high: float = 255.0


def look(raw: bytes) -> Look:
    """Decode an image and digest its pixels; BadImage where it cannot be decoded. It costs a decode."""
    image = read_image(raw, draft=True)
    values = deep_values(image)
    if values is None:
        rgb = as_rgb(image)
        digest = _digest(rgb.size, rgb.tobytes())
        if not keeps_half_of_its_bits(image):
            return Look(digest)
        return Look(digest, "color16", 0.0, float(np.asarray(rgb).max()))
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    depth = "whole" if np.issubdtype(values.dtype, np.integer) else "fraction"
    return Look(_digest(image.size, values.tobytes()), depth, low, high)


def levels_of(looks: Iterable[Look]) -> dict[Depth, tuple[float, float]]:
    """Return the values that become black and white, the same for all deep images of a data set.

    Whole numbers reach to the next power of two: 12 bits of a 16-bit TIFF stay 256 grays.
    """
    ranges = _ranges(looks)
    levels: dict[Depth, tuple[float, float]] = {}
    if "whole" in ranges:
        low, high = ranges["whole"]
        bits = max(8, int(high).bit_length())
        levels["whole"] = (min(0.0, low), float(2**bits - 1))
    if "fraction" in ranges:
        low, high = ranges["fraction"]
        white = next((most for most in (1.0, 255.0) if low >= 0 and high <= most), high)
        levels["fraction"] = (min(0.0, low), max(white, min(0.0, low) + 1e-30))
    return levels


def depth_notes(looks: Iterable[Look], levels: Mapping[Depth, tuple[float, float]]) -> Iterator[str]:
    """Yield how many images have more than 8 bits a channel, and what becomes of their values."""
    every = list(looks)
    ranges = _ranges(every)
    counts = Counter(each.depth for each in every)
    for depth, (black, white) in levels.items():
        low, high = ranges[depth]
        yield (
            f"{counts[depth]:,} of {len(every):,} images have more than 8 bits: their values, {low:,.6g} to "
            f"{high:,.6g}, are scaled by {black:,.6g} to {white:,.6g}"
        )
    if "color16" in ranges:
        most = ranges["color16"][1]
        dark = "" if most > 127 else f" and reach {most:.0f} of 255: convert them to 8 bits"
        yield (
            f"{counts['color16']:,} of {len(every):,} images have 16 bits a channel in color; the upper "
            f"eight are kept{dark}"
        )


def _ranges(looks: Iterable[Look]) -> Mapping[Depth, tuple[float, float]]:
    found: dict[Depth, tuple[float, float]] = {}
    for each in looks:
        if each.depth != "8":
            low, high = found.get(each.depth, (each.low, each.high))
            found[each.depth] = (min(low, each.low), max(high, each.high))
    return found


def _digest(size: tuple[int, int], pixels: bytes) -> str:
    digest = hashlib.blake2b(repr(size).encode(), digest_size=16)
    digest.update(pixels)
    return digest.hexdigest()
