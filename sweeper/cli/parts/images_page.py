"""The images of a sweep file, for people and as JSON: `sweeper data inspect`."""

import contextlib
import sys
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import click

from sweeper.cli.parts.table import print_pairs, print_table
from sweeper.config.spec import SweepSpec
from sweeper.data.dataset import DataFacts
from sweeper.data.index import Progress
from sweeper.data.likeness import FEWEST_PIXELS
from sweeper.data.sources import SPLITS
from sweeper.plan.cached_images import Inspection
from sweeper.wording import plain

_PAIRS_SHOWN = 10


@contextlib.contextmanager
def progress_bar(*, is_hidden: bool = False) -> Generator[Progress]:
    """Show how far the decoding is: a bar on stderr where that is a terminal, else one line."""
    with click.progressbar(length=1, label="decoding", file=sys.stderr, hidden=is_hidden) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield progress


def print_inspection(spec: SweepSpec, found: Inspection) -> None:
    """Print the counts by class and split, then what is odd about the images."""
    _print_classes(found.facts)
    print_pairs(_pairs(spec, found))


def inspection_facts(found: Inspection) -> dict[str, Any]:
    """Return the same as JSON."""
    facts = found.facts
    return {
        "source": facts.source,
        "layout": facts.layout,
        "channels": facts.channels,
        "images": facts.images,
        "classes": list(facts.classes),
        "per_class": list(facts.per_class),
        "per_split": dict(facts.per_split),
        "per_class_and_split": {split: list(counts) for split, counts in facts.per_class_and_split.items()},
        "imbalance": facts.imbalance,
        "copies": facts.copies,
        "near_copies": {
            "compared": found.near.compared,
            "too_small": found.near.small,
            "of_one_color": found.near.flat,
            "unknown": found.near.unknown,
            "pairs": [
                {"images": list(each.keys), "classes": list(each.classes), "splits": list(each.splits)}
                for each in found.pairs
            ],
        },
        "warnings": list(facts.warnings),
        "digest": facts.digest,
        "sizes": _sizes_text(found.sizes),
        "bad": [(bad.key, bad.reason) for bad in found.bad],
        "contact_sheet": _sheet_text(found),
    }


def _print_classes(facts: DataFacts) -> None:
    header = ("class", "images", *SPLITS)
    rows = [
        (plain(name), f"{count:,}", *(f"{facts.per_class_and_split[split][label]:,}" for split in SPLITS))
        for label, (name, count) in enumerate(zip(facts.classes, facts.per_class, strict=True))
    ]
    total = ("all", f"{facts.images:,}", *(f"{facts.per_split[split]:,}" for split in SPLITS))
    print_table(header, [*rows, total], left=("class",))


def _pairs(spec: SweepSpec, found: Inspection) -> Iterator[tuple[str, str]]:
    facts = found.facts
    yield "source", plain(f"{facts.source} {spec.dataset.root or ''}".rstrip())
    if facts.layout:
        yield "read as", plain(facts.layout)
    yield "channels", str(facts.channels)
    yield "sizes", _sizes_text(found.sizes)
    yield "imbalance", f"the largest class has {facts.imbalance:.1f} times the images of the smallest"
    yield "copies", f"{facts.copies:,} copies of other images, pixel for pixel"
    for number, line in enumerate(_near_lines(found)):
        yield "" if number else "near-copies", plain(line)
    yield "digest", facts.digest
    for number, warning in enumerate(facts.warnings):
        yield "" if number else "warnings", plain(warning)
    for number, bad in enumerate(found.bad):
        yield "" if number else "unreadable", plain(f"{bad.key}: {bad.reason}")
    if found.sheet:
        yield "contact sheet", plain(_sheet_text(found))


def _near_lines(found: Inspection) -> Iterator[str]:
    """Count the pairs, name the first, and say what was not compared."""
    near, pairs = found.near, found.pairs
    if near.unknown:
        yield near.unknown
    elif near.compared:
        several = sum(len(set(each.classes)) > 1 for each in pairs)
        straddling = sum(each.straddles for each in pairs)
        yield (
            f"{len(pairs):,} pairs of {near.compared:,} pictures are nearly the same; "
            f"{straddling:,} lie on both sides of the split, {several:,} in two classes"
        )
    yield from map(str, pairs[:_PAIRS_SHOWN])
    if len(pairs) > _PAIRS_SHOWN:
        yield f"and {len(pairs) - _PAIRS_SHOWN:,} more pairs: --json has them all"
    if near.small:
        yield f"{near.small:,} pictures are not compared: a side has less than {FEWEST_PIXELS} px"
    if near.flat:
        yield f"{near.flat:,} pictures are not compared: they are nearly of one color"


def _sizes_text(sizes: Sequence[tuple[int, int]]) -> str:
    if not sizes:
        return "no image has a readable header"
    smallest, median, largest = (f"{w} x {h}" for w, h in (sizes[0], sizes[len(sizes) // 2], sizes[-1]))
    return f"{smallest} to {largest} px, median {median} ({len(sizes)} images looked at)"


def _sheet_text(found: Inspection) -> str:
    return f"{found.sheet} ({found.drawn} of {len(found.facts.classes)} classes)" if found.sheet else ""
