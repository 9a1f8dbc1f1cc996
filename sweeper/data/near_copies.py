"""Near-copies of a source: one scene photographed twice, or one photo saved anew in another size."""

import contextlib
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sweeper.data.decode import RECIPE, BadImage, decode, dimensions
from sweeper.data.index import ImageRow, Index, in_parallel
from sweeper.data.likeness import FEWEST_PIXELS, SIZE, PictureHash, alike, likeness
from sweeper.data.sources import Source
from sweeper.errors import DataError
from sweeper.files import write_atomically

VERSION = 1
"""Raise it whenever other pairs are found: a split that keeps them together is then another one."""

_PAIRS_A_PICTURE = 10  # above it everything is like everything, and nothing can be told apart
_LARGEST_SHARE, _LARGEST = 0.1, 10  # of all pictures, that one group may hold
_MOST = 200_000  # pictures; the search takes four times as long for twice as many
_SMALL, _FLAT, _BAD = "small", "flat", "bad"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NearCopies:
    """What was found among the `compared` pictures: pairs of them by their digests.

    `small` and `flat` pictures are not compared. Without an answer `unknown` says why there is none.
    """

    pairs: tuple[tuple[str, str], ...]
    compared: int
    small: int = 0
    flat: int = 0
    unknown: str = ""

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """The group of every picture that has a near-copy, by the first of its digests."""
        parent: dict[str, str] = {}

        def root(picture: str) -> str:
            while parent.setdefault(picture, picture) != picture:
                parent[picture] = picture = parent[parent[picture]]
            return picture

        for pair in self.pairs:
            first, second = sorted(map(root, pair))
            parent[second] = first
        return {picture: root(picture) for picture in parent}

    @property
    def largest(self) -> int:
        """The number of pictures in the largest group."""
        return max(Counter(self.groups.values()).values(), default=0)

    def refuse_unsplittable(self) -> None:
        """DataError where near-copies cannot be kept together, because there is no telling them apart."""
        most = max(_LARGEST, int(_LARGEST_SHARE * self.compared))
        why = self.unknown or (
            f"{self.largest:,} of {self.compared:,} pictures are near-copies of each other"
            if self.largest > most
            else ""
        )
        if why:
            raise DataError(
                f"near-copies cannot be kept together: {why}",
                where="dataset.split.near_copies",
                hint="write apart, or group_by with what the file names tell",
            )


def near_copies(source: Source, index: Index, cache: Path) -> NearCopies:
    """Find them once and keep the pairs in the cache; every picture is decoded for it, once."""
    key = hashlib.blake2b(f"{VERSION}\n{RECIPE}\n{index.digest}".encode(), digest_size=10).hexdigest()
    path = cache / "near_copies" / f"{key}.json"
    found = _load(path)
    if found is None:
        found = _find(source, index)
        with contextlib.suppress(OSError):  # a cache that has become read-only costs time and nothing else
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(asdict(found)))
    return found


def _find(source: Source, index: Index) -> NearCopies:
    firsts = list({row.picture: row for row in reversed(index.rows)}.values())[::-1]
    if len(firsts) > _MOST:
        return NearCopies((), 0, unknown=f"more than {_MOST:,} pictures are too many to compare")
    if len(firsts) >= 5_000:
        _log.warning("looking for near-copies among %s pictures, once", f"{len(firsts):,}")
    described: dict[str, PictureHash] = {}
    missing = Counter[str]()
    for place, seen in in_parallel(lambda place: _seen(source, firsts[place], index), range(len(firsts))):
        if isinstance(seen, PictureHash):
            described[firsts[place].picture] = seen
        else:
            missing[seen] += 1
    small, flat = missing[_SMALL], missing[_FLAT]
    if not described:
        return NearCopies((), 0, small, flat)
    pictures = sorted(described)
    bits = np.array([described[picture].bits for picture in pictures])
    levels = np.stack([described[picture].levels for picture in pictures])
    places = alike(bits, levels, _PAIRS_A_PICTURE * len(pictures))
    if places is None:
        why = f"more than {_PAIRS_A_PICTURE} near-copies a picture: all look alike"
        return NearCopies((), len(pictures), small, flat, why)
    pairs = tuple((pictures[one], pictures[other]) for one, other in places)
    return NearCopies(pairs, len(pictures), small, flat)


def _seen(source: Source, row: ImageRow, index: Index) -> PictureHash | str:
    """Describe a picture, or say why that cannot be; one that cannot be decoded is named elsewhere."""
    try:
        raw = source.read(row.number)
        size = dimensions(raw)
        if size is None or min(size) < FEWEST_PIXELS:
            return _SMALL
        (picture,) = decode(raw, [SIZE], levels=index.levels)
    except OSError as error:
        raise DataError(f"{row.key}: vanished while the images were read ({error.strerror})") from error
    except BadImage:
        return _BAD
    return likeness(picture) or _FLAT


def _load(path: Path) -> NearCopies | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        pairs = tuple((one, other) for one, other in kept.pop("pairs"))
        return NearCopies(pairs, **kept)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent or damaged: found again


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two rows of the index that are nearly the same picture, and where each of them lies."""

    keys: tuple[str, str]
    classes: tuple[str, str]
    splits: tuple[str, str]

    @property
    def straddles(self) -> bool:
        """Whether they lie in different splits."""
        return len(set(self.splits)) > 1

    def __str__(self) -> str:
        """`a.jpg (jam, train) and b.jpg (jam, test)`."""
        each = zip(self.keys, self.classes, self.splits, strict=True)
        return " and ".join(f"{key} ({name}, {split})" for key, name, split in each)


def placed(found: NearCopies, index: Index, splits: Mapping[int, str]) -> Sequence[NearPair]:
    """Return the pairs with their classes and splits; those that straddle come first, then by key."""
    first: dict[str, int] = {}
    for place, row in enumerate(index.rows):
        first.setdefault(row.picture, place)
    pairs = list[NearPair]()
    for pair in found.pairs:
        one, other = sorted((first[picture] for picture in pair), key=lambda place: index.rows[place].key)
        rows = index.rows[one], index.rows[other]
        pairs.append(
            NearPair(
                (rows[0].key, rows[1].key),
                (index.classes[rows[0].label], index.classes[rows[1].label]),
                (splits.get(one, "left out"), splits.get(other, "left out")),
            )
        )
    return sorted(pairs, key=lambda pair: (not pair.straddles, pair.keys))
