"""`sweeper data`: what are the images like, build their stores ahead, fetch them, tidy the cache."""

from pathlib import Path

import click

from sweeper.cli.parts.images_page import inspection_facts, print_inspection, progress_bar
from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.cli.parts.table import print_json
from sweeper.config.spec import load_spec
from sweeper.data.fetch import NAMES, fetch
from sweeper.launch.create import anchored
from sweeper.plan.cached_images import decode_images, inspect_images, tidy
from sweeper.plan.image_variants import pixel_sizes
from sweeper.wording import plain

_GB = 1e9


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
    with progress_bar() as progress:
        stores = decode_images(spec, sizes, progress)
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
@click.option("--no-sheet", is_flag=True, help="Count only: builds no store.")
def inspect_command(
    file: str, overrides: tuple[str, ...], as_json: bool, sheet: Path | None, no_sheet: bool
) -> None:
    """Count the images by class and split, name what is odd about them, and draw a contact sheet."""
    spec = anchored(load_spec(file, overrides))
    target = None if no_sheet else sheet or Path(f"{spec.name}.png")
    with progress_bar(is_hidden=target is None) as progress:
        found = inspect_images(spec, target, progress)
    if as_json:
        print_json(inspection_facts(found))
    else:
        print_inspection(spec, found)


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
    click.echo(f"{where}\nnext: sweeper init {folder.name}.yaml --root {where}")


@command.command("gc", epilog="Example:  sweeper data gc --limit 20")
@click.option(
    "--limit", type=click.FloatRange(min=0), help="GB to keep. Default: $SWEEPER_CACHE_GB, else 100."
)
@click.option("--dry-run", is_flag=True, help="Show what is there and remove nothing.")
def gc_command(limit: float | None, dry_run: bool) -> None:
    """Remove the stores that were not used for longest, until the rest fits the limit."""
    tidied = tidy(None if limit is None else int(limit * _GB), is_dry=dry_run)
    if dry_run:
        for each in tidied.left:
            click.echo(f"{each.bytes / _GB:8.3f} GB  {each.folder}")
        return
    freed, left = (sum(each.bytes for each in some) / _GB for some in (tidied.removed, tidied.left))
    click.echo(
        f"removed {len(tidied.removed)} stores, {freed:.3f} GB; {left:.3f} GB are kept in {tidied.cache}"
    )
