"""This module decodes the images of a sweep file into the cache, inspects them, and tidies the cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.config.spec import SweepSpec
from sweeper.data.contact import contact_sheet
from sweeper.data.dataset import DataFacts, describe, find_near_copies, open_source
from sweeper.data.gc import Kept, collect, kept, limit_bytes
from sweeper.data.image_sizes import image_sizes
from sweeper.data.index import Bad, Progress
from sweeper.data.near_copies import NearCopies, NearPair
from sweeper.data.prepare import prepare
from sweeper.data.store import Store
from sweeper.store.paths import cache_root

_SHEET_PIXELS = 64


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found out about the images of a sweep file.

    `sizes` are (width, height) of up to 500 images, the smallest first. `near` are the near-copies, and
    `pairs` where each of them lies. `sheet` is the contact sheet with
    `drawn` of the classes on it; None where none was asked for, and then `bad` names only what the
    headers give away.
    """

    facts: DataFacts
    sizes: Sequence[tuple[int, int]]
    bad: Sequence[Bad]
    near: NearCopies
    pairs: Sequence[NearPair]
    sheet: Path | None = None
    drawn: int = 0


def decode_images(spec: SweepSpec, sizes: Sequence[int], progress: Progress) -> list[Store]:
    """Decode the images once for all these sizes, where that has not been done; the stores come in order."""
    return prepare(open_source(spec.dataset), sizes, cache_root(), progress)


def inspect_images(spec: SweepSpec, sheet: Path | None, progress: Progress) -> Inspection:
    """Count the images, measure some, and draw a contact sheet into the file, if there is to be one."""
    facts = describe(spec.dataset, cache_root())
    sizes = image_sizes(spec.dataset, cache_root())
    near, pairs = find_near_copies(spec.dataset, cache_root())
    if sheet is None:
        return Inspection(facts, sizes, facts.bad, near, pairs)
    (store,) = decode_images(spec, (_SHEET_PIXELS,), progress)
    drawn = contact_sheet(store, sheet)
    return Inspection(facts, sizes, store.about.bad, near, pairs, sheet, drawn)


@dataclass(frozen=True, slots=True)
class Tidied:
    """What was removed from the cache, and what it still holds."""

    cache: Path
    removed: Sequence[Kept]
    left: Sequence[Kept]


def tidy(limit: int | None, *, is_dry: bool) -> Tidied:
    """Remove the stores that were not used for longest, until the rest fits `limit` bytes.

    Without a limit $SWEEPER_CACHE_GB decides, else 100 GB. A dry run removes nothing.
    """
    cache = cache_root()
    removed = [] if is_dry else collect(cache, limit_bytes() if limit is None else limit)
    return Tidied(cache, removed, kept(cache))
