"""Which pictures are nearly the same: a perceptual hash proposes pairs, the pictures at 16 px decide.

All of it is whole numbers, so that every machine finds the same pairs: a split depends on them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sweeper.data.sources import Pixels

SIZE = 128  # px at which bars are looked for
FEWEST_PIXELS = 16
"""A side below this says too little: on digits of 8 px everything is like everything."""

_HASHED, _COMPARED = 32, 16  # px
_BITS_APART = 16  # of 64; 0.02 % of the pairs of unlike photos are as near
_CORRELATION = 0.92
_FLAT = 36  # variance of gray levels below which there is no picture
_BAR_RANGE, _BAR_SHADE = 20, 8  # gray levels within a line of a bar, and from the first line: JPEG rings
_TILE = 512  # hashes compared with as many at once: 2 MB, which a core's cache holds
_GRAY = np.array([299, 587, 114])


def _cosines() -> NDArray[np.int64]:
    """The lowest eight rows of the discrete cosine transform, in thousandths."""
    place, wave = np.arange(_HASHED), np.arange(8)[:, None]
    return np.rint(1000 * np.cos(np.pi * (2 * place + 1) * wave / (2 * _HASHED))).astype(np.int64)


_COSINES = _cosines()


@dataclass(frozen=True, slots=True)
class PictureHash:
    """A picture's 64 bits, and its gray levels at 16 px."""

    bits: np.uint64
    levels: Pixels


def likeness(picture: Pixels) -> PictureHash | None:
    """Describe a picture of `SIZE` px, RGB, without bars around it; None where it is nearly of one color.

    The hash is pHash (Zauner 2010): which of the 64 lowest frequencies lie above their median.
    """
    inside = _without_bars(picture.astype(np.int16))
    if inside is None:
        return None
    whole = Image.fromarray(picture).crop(inside)
    gray = (np.asarray(whole.resize((_HASHED, _HASHED), Image.Resampling.BOX)) @ _GRAY + 500) // 1000
    if _HASHED**2 * int((gray**2).sum()) - int(gray.sum()) ** 2 < _FLAT * _HASHED**4:
        return None
    waves = _COSINES @ gray @ _COSINES.T
    bits = np.packbits((waves > np.median(waves)).ravel()).view(np.uint64)[0]
    side = _HASHED // _COMPARED
    levels = gray.reshape(_COMPARED, side, _COMPARED, side).sum((1, 3)) // side**2
    return PictureHash(bits, levels.astype(np.uint8).ravel())


def _without_bars(picture: NDArray[np.int16]) -> tuple[int, int, int, int] | None:
    """Return what lies inside bars of one color, as a box; bars may lie inside others, once."""
    left, top, right, bottom = 0, 0, SIZE, SIZE
    for _ in range(3):  # the line between two bars, blurred, is one of its own
        inside = picture[top:bottom, left:right]
        across = inside.swapaxes(0, 1)
        bars = _bar(across), _bar(inside), _bar(across[::-1]), _bar(inside[::-1])
        left, top, right, bottom = left + bars[0], top + bars[1], right - bars[2], bottom - bars[3]
        if min(right - left, bottom - top) < FEWEST_PIXELS:
            return None
    return left, top, right, bottom


def _bar(lines: NDArray[np.int16]) -> int:
    """Count the lines of a bar at the beginning; the blurred one beside it goes with it."""
    ranges = (lines.max(1) - lines.min(1)).max(1)
    means = lines.mean(1)
    is_bar = (ranges <= _BAR_RANGE) & (np.abs(means - means[0]).max(1) <= _BAR_SHADE)
    count = int(np.argmin(is_bar)) if not is_bar.all() else len(lines)
    return min(count + 1, len(lines)) if count else 0


def alike(bits: NDArray[np.uint64], levels: NDArray[np.uint8], limit: int) -> list[tuple[int, int]] | None:
    """Return the pairs of places that are nearly the same picture; None where there are more than `limit`.

    Each hash is compared with every later one: 100,000 take 8 CPU-seconds and 10 MB beside their own 26.
    """
    found: list[tuple[int, int]] = []
    for one, other in _near_hashes(bits):
        holds = _correlate(levels[one], levels[other])
        found += zip(one[holds].tolist(), other[holds].tolist(), strict=True)
        if len(found) > limit:
            return None
    return found


def _near_hashes(bits: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield places of hashes that few bits tell apart, a tile of all pairs at a time."""
    apart = np.empty((_TILE, _TILE), np.uint64)
    count = np.empty((_TILE, _TILE), np.uint8)
    for first in range(0, len(bits), _TILE):
        rows = bits[first : first + _TILE, None]
        for second in range(first, len(bits), _TILE):
            columns = bits[None, second : second + _TILE]
            shape = (slice(len(rows)), slice(columns.shape[1]))
            np.bitwise_count(np.bitwise_xor(rows, columns, out=apart[shape]), out=count[shape])
            near = np.flatnonzero(count[shape] <= _BITS_APART)
            one, other = near // columns.shape[1] + first, near % columns.shape[1] + second
            yield one[other > one], other[other > one]


def _correlate(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether rows of gray levels rise and fall together, whatever their brightness and contrast."""
    a, b = one.astype(np.int64), other.astype(np.int64)
    count = a.shape[1]

    def product(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
        return count * np.einsum("ij,ij->i", x, y) - x.sum(1) * y.sum(1)

    together, scale = product(a, b), product(a, a).astype(float) * product(b, b)
    return (together > 0) & (together.astype(float) ** 2 >= _CORRELATION**2 * scale)
