"""`sweeper data`: what are the images like, build their stores ahead, fetch them, tidy the cache."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.cli.parts.table import print_json, print_pairs, print_table
from sweeper.config.spec import SweepSpec, load_spec
from sweeper.data.contact import contact_sheet
from sweeper.data.dataset import DataFacts, describe, image_sizes, open_source
from sweeper.data.fetch import NAMES, fetch
from sweeper.data.gc import collect, kept, limit_bytes
from sweeper.data.prepare import prepare
from sweeper.data.split import SPLITS
from sweeper.launch.create import anchored
from sweeper.plan.plan import pixel_sizes
from sweeper.store.paths import cache_root
from sweeper.wording import plain

_GB = 1e9
_SHEET_PIXELS = 64


@click.group(epilog="Example:  sweeper data inspect search_spaces/digits.yaml")
def command() -> None:
    """Look at the images of a sweep, build their stores ahead, fetch public ones, tidy the cache."""


@command.command("prepare", epilog="Example:  sweeper data prepare search_spaces/digits.yaml")
@sweep_file
@overrides
def prepare_command(file: str, overrides: tuple[str, ...]) -> None:
    """Decode the images once, for every pixel size of the sweep file, so that no trial has to wait."""
    spec = anchored(load_spec(file, overrides))
    sizes = pixel_sizes(spec)
    stores = _prepare(spec, sizes)
    for size, store in zip(sizes, stores, strict=True):
        count, megabytes = len(store.labels), store.path.stat().st_size / 1e6
        click.echo(f"{size} px: {count:,} images, {megabytes:,.1f} MB, {store.path}")
    for bad in stores[0].about.bad:
        click.echo(plain(f"skipped {bad.key}: {bad.reason}"))


@command.command(
    "inspect", epilog="Example:  sweeper data inspect search_spaces/digits.yaml --sheet digits.png"
)
@sweep_file
@overrides
@as_json
@click.option(
    "--sheet", type=click.Path(path_type=Path), help="Where the contact sheet goes. Default: <name>.png."
)
@click.option("--no-sheet", is_flag=True, help="Count only: reads the files and decodes none.")
def inspect_command(
    file: str, overrides: tuple[str, ...], as_json: bool, sheet: Path | None, no_sheet: bool
) -> None:
    """Count the images by class and split, name what is odd about them, and draw a contact sheet."""
    spec = anchored(load_spec(file, overrides))
    facts = describe(spec.dataset, cache_root())
    skipped, drawn = facts.bad, ""
    if not no_sheet:
        (store,) = _prepare(spec, (_SHEET_PIXELS,))
        path = sheet or Path(f"{spec.name}.png")
        rows = contact_sheet(store, path)
        skipped, drawn = store.about.bad, f"{path} ({rows} of {len(facts.classes)} classes)"
    bad = [(entry.key, entry.reason) for entry in skipped]
    sizes = image_sizes(spec.dataset, cache_root())
    if as_json:
        print_json(_facts(facts) | {"sizes": _sizes(sizes), "bad": bad, "contact_sheet": drawn})
    else:
        _print_classes(facts)
        print_pairs(_pairs(spec, facts, _sizes(sizes), bad, drawn))


@command.command("fetch", epilog="Example:  sweeper data fetch cifar10 --to data/cifar10")
@click.argument("name")
@click.option("--to", "target", type=click.Path(path_type=Path), help="The folder. Default: data/NAME.")
def fetch_command(name: str, target: Path | None) -> None:
    """Download a public data set and check it, or unpack an archive that is already here, safely.

    NAME is cifar10, cifar100, mnist, fashion_mnist, or the path of a tar or zip. Nothing else in sweeper
    downloads images.
    """
    folder = target or Path("data") / (name if name in NAMES else Path(name).name.split(".")[0])
    where = fetch(name, folder)
    click.echo(f"{where}\nset dataset.root to it")


@command.command("gc", epilog="Example:  sweeper data gc --limit 20")
@click.option(
    "--limit", type=click.FloatRange(min=0), help="GB to keep. Default: $SWEEPER_CACHE_GB, else 100."
)
@click.option("--dry-run", is_flag=True, help="Show what is there and remove nothing.")
def gc_command(limit: float | None, dry_run: bool) -> None:
    """Remove the stores that were not used for longest, until the rest fits the limit."""
    cache = cache_root()
    if dry_run:
        for each in kept(cache):
            click.echo(f"{each.bytes / _GB:8.3f} GB  {each.folder}")
        return
    allowed = limit_bytes() if limit is None else int(limit * _GB)
    removed = collect(cache, allowed)
    freed, left = (sum(each.bytes for each in some) / _GB for some in (removed, kept(cache)))
    click.echo(f"removed {len(removed)} stores, {freed:.3f} GB; {left:.3f} GB are kept in {cache}")


def _prepare(spec: SweepSpec, sizes: tuple[int, ...]) -> Any:
    """With a progress bar on stderr where that is a terminal."""
    with click.progressbar(length=1, label="decoding", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        return prepare(open_source(spec.dataset), sizes, cache_root(), progress)


def _print_classes(facts: DataFacts) -> None:
    header = ("class", "images", *SPLITS)
    rows = [
        (plain(name), f"{count:,}", *(f"{facts.per_class_and_split[split][label]:,}" for split in SPLITS))
        for label, (name, count) in enumerate(zip(facts.classes, facts.per_class, strict=True))
    ]
    total = ("all", f"{facts.images:,}", *(f"{facts.per_split[split]:,}" for split in SPLITS))
    print_table(header, [*rows, total], left=("class",))


def _pairs(
    spec: SweepSpec, facts: DataFacts, sizes: str, bad: list[tuple[str, str]], sheet: str
) -> Iterator[tuple[str, str]]:
    yield "source", plain(f"{facts.source} {spec.dataset.root or ''}".rstrip())
    yield "channels", str(facts.channels)
    yield "sizes", sizes
    yield "imbalance", f"the largest class has {facts.imbalance:.1f} times the images of the smallest"
    yield "copies", f"{facts.copies:,} exact copies of other images"
    yield "digest", facts.digest
    for number, warning in enumerate(facts.warnings):
        yield "" if number else "warnings", plain(warning)
    for number, (key, reason) in enumerate(bad):
        yield "" if number else "unreadable", plain(f"{key}: {reason}")
    if sheet:
        yield "contact sheet", plain(sheet)


def _sizes(sizes: list[tuple[int, int]]) -> str:
    if not sizes:
        return "no image has a readable header"
    smallest, median, largest = (f"{w} x {h}" for w, h in (sizes[0], sizes[len(sizes) // 2], sizes[-1]))
    return f"{smallest} to {largest} px, median {median} ({len(sizes)} images looked at)"


def _facts(facts: DataFacts) -> dict[str, Any]:
    return {
        "source": facts.source,
        "channels": facts.channels,
        "images": facts.images,
        "classes": list(facts.classes),
        "per_class": list(facts.per_class),
        "per_split": dict(facts.per_split),
        "per_class_and_split": {split: list(counts) for split, counts in facts.per_class_and_split.items()},
        "imbalance": facts.imbalance,
        "copies": facts.copies,
        "warnings": list(facts.warnings),
        "digest": facts.digest,
    }
