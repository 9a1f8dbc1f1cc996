"""`sweeper show`: what is a trial's network made of, how did it learn, and what does it look at?"""

import json
from dataclasses import asdict
from pathlib import Path

import click

from sweeper.cli.parts.chosen_trial import choose, open_chosen, trial_option, writing
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json, print_table
from sweeper.cli.parts.trial_page import fate
from sweeper.errors import StateError
from sweeper.inference.charts import curves_chart, save
from sweeper.inference.feature_maps import convolutions, feature_maps, filters_chart, maps_chart
from sweeper.inference.image_files import read_pixels
from sweeper.inference.network_layers import layer_rows
from sweeper.inference.trained_network import Opened
from sweeper.models.parts.count import LayerRow
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.history import TrialHistory


@click.command(epilog="Example:  sweeper show groceries --trial 1 --image photo.jpg")
@sweep_name
@trial_option
@click.option("--image", type=click.Path(path_type=Path), help="Draw its maps. [default: a validation image]")
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Draw maps of this layer. Repeatable.")
@as_json
def command(
    sweep: str, trial: str | None, image: Path | None, layers: tuple[str, ...], as_json: bool
) -> None:
    """Print the layers of a network of SWEEP, and draw its curves, first filters and feature maps.

    The pictures lie in runs/SWEEP/show/TRIAL.
    """
    told, chosen = choose(sweep, trial)
    rows = layer_rows(chosen.config, told.spec, len(json.loads(told.meta["classes"])))
    if not as_json:
        _print_layers(told, chosen, rows)
    files, note = _draw(told, chosen, image, layers)
    if as_json:
        facts = {
            "sweep": sweep,
            "trial": chosen.number,
            "id": chosen.id,
            "configuration": dict(chosen.config),
        }
        parts = {
            "layers": [asdict(row) for row in rows],
            "files": [str(file) for file in files],
            "note": note,
        }
        print_json({**facts, **_sums(rows), **parts})
        return
    for file in files:
        click.echo(str(file))
    if note:
        click.echo(note, err=True)


def _draw(
    told: StoredSweep, trial: TrialHistory, image: Path | None, layers: tuple[str, ...]
) -> tuple[list[Path], str]:
    """The pictures' files, and why some are missing."""
    folder = told.root / "show" / str(trial.number)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        files = _curves(told, trial, folder)
        try:
            opened = open_chosen(told, trial, on_cpu=True)
        except StateError as error:  # the table and the curves need no checkpoint
            return files, f"neither filters nor feature maps: {error}"
        return files + _pictures(opened, folder, image, layers), ""


def _sums(rows: list[LayerRow]) -> dict[str, int]:
    return {"parameters": sum(row.parameters for row in rows), "flops": sum(row.flops for row in rows)}


def _print_layers(told: StoredSweep, trial: TrialHistory, rows: list[LayerRow]) -> None:
    name = click.style(f"trial {trial.number} of {told.name}", bold=True)
    click.echo(f"{name} ({trial.id}): {fate(trial, told)}\n")
    lines = [
        (row.name, row.kind, "x".join(map(str, row.output)), f"{row.parameters:,}", f"{row.flops:,}")
        for row in rows
    ]
    sums = _sums(rows)
    total = ("sum", "", "", f"{sums['parameters']:,}", f"{sums['flops']:,}")
    print_table(("layer", "kind", "output", "parameters", "FLOPs"), [*lines, total], left=("layer", "kind"))
    click.echo("FLOPs of one image's forward pass; a multiplication with its addition is two\n")


def _curves(told: StoredSweep, trial: TrialHistory, folder: Path) -> list[Path]:
    if not trial.reports:
        return []
    best = trial.best(told.spec.objective.goal)
    title = f"{told.name} trial {trial.number}"
    chart = curves_chart(trial.reports, title, best.epoch if best else None)
    return [save(chart, folder / f"curves.{suffix}") for suffix in ("png", "svg")]


def _pictures(opened: Opened, folder: Path, image: Path | None, layers: tuple[str, ...]) -> list[Path]:
    model = opened.model
    if not convolutions(model.module) and not layers:
        return []
    pixels = opened.pixels("valid", 1)[0].numpy() if image is None else read_pixels(model, image)
    source = "the first validation image" if image is None else image.name
    maps = feature_maps(model, pixels, layers)
    chart = maps_chart(pixels, maps, f"{model.sweep} trial {model.number}: {source}")
    return [
        save(filters_chart(model), folder / "filters.png"),
        save(chart, folder / "feature_maps.png"),
    ]
