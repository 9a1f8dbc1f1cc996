"""This module decodes and counts the images of a sweep once, before its first trial."""

import time
from collections.abc import Callable
from pathlib import Path

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import find_near_copies, open_dataset, open_source
from sweeper.data.prepare import prepare
from sweeper.plan.image_variants import image_variants
from sweeper.plan.plan import Plan
from sweeper.store.paths import cache_root
from sweeper.sweep.sweep import Sweep

FIRST_SECONDS = 1.0
DECODING_SECONDS = 10.0


class Decoding:
    """Says how far the decoding is, after a second and then every ten: thousands of photos take minutes."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._say_at = clock() + FIRST_SECONDS

    def __call__(self, done: int, total: int) -> None:
        """Take note that so many of all images are decoded."""
        if self._clock() >= self._say_at:
            self._say_at = self._clock() + DECODING_SECONDS
            self._say(f"decoding images, once for all trials: {done:,} of {total:,}")


def prepare_images(sweep: Sweep, plan: Plan, say: Callable[[str], None]) -> None:
    """Decode the images and fit the statistics once, booked to the sweep and not to its first trial."""
    since = time.monotonic()
    spec, cache = sweep.spec, cache_root()
    prepare(open_source(spec.dataset), plan.pixels, cache, Decoding(say))
    for pixels, name in image_variants(spec):
        open_dataset(spec.dataset, pixels=pixels, normalization=name, cache=cache)
    said = near_copies_line(spec.dataset, cache)
    seconds = time.monotonic() - since
    sweep.book("image stores and statistics", seconds)
    counts = plan.facts.per_split
    say(
        f"images ready in {seconds:.1f} s: {counts['train']} to train, {counts['valid']} to validate, "
        f"{counts['test']} kept for the test, {len(plan.facts.classes)} classes"
    )
    if said:
        say(said)


def near_copies_line(spec: DatasetSpec, cache: Path) -> str:
    """Say how many pairs of near-copies lie on both sides of the split; "" where none does."""
    found, pairs = find_near_copies(spec, cache)
    if found.unknown:
        return f"near-copies are not looked for: {found.unknown}"
    straddling = [pair for pair in pairs if pair.straddles]
    if not straddling:
        return ""
    return (
        f"near-copies: {len(straddling):,} pairs lie on both sides of the split and flatter its scores, "
        f"such as {straddling[0]}; dataset.split.near_copies: together keeps each on one side"
    )
