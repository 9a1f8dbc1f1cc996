"""`sweeper export`: take a trial's network out of the sweep, preprocessing and class names included."""

from pathlib import Path

import click

from sweeper.cli.parts.chosen_trial import choose, open_chosen, trial_option, writing
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json
from sweeper.export import exporter
from sweeper.export.parts.verified import default_path, export

FORMATS = ("onnx", "torch_export", "safetensors", "mlflow")


@click.command(epilog="Example:  sweeper export groceries --format onnx --out groceries.onnx")
@sweep_name
@click.option("--format", "format_", type=click.Choice(FORMATS), required=True, help="What to write.")
@trial_option
@click.option("--out", type=click.Path(path_type=Path), help="[default: runs/SWEEP/exports/...]")
@as_json
def command(name: str, format_: str, trial: str | None, out: Path | None, as_json: bool) -> None:
    """Write the network of SWEEP's best trial to be used elsewhere: uint8 pixels in, probabilities out.

    The file is loaded again and compared with the trial on real images before it appears.
    """
    exporter[format_]()  # a missing package is worth knowing before anything is opened
    sweep, chosen = choose(name, trial)
    opened = open_chosen(sweep, chosen, on_cpu=True)
    path = out or default_path(sweep.root / "exports", opened.model, format_)
    best = chosen.best(sweep.spec.objective.goal)
    scores = {sweep.spec.objective.metric: best.score} if best else {}
    with writing(path):
        done = export(opened, format_, path, scores=scores | dict(chosen.test or {}))
    if as_json:
        facts = {"path": str(done.path), "bytes": done.bytes, "images": done.images, "worst": done.worst}
        print_json({"sweep": name, "trial": chosen.number, "format": format_, **facts})
        return
    click.echo(
        f"{done.path}: {done.bytes / 1e6:.1f} MB, trial {chosen.number}; loaded again, "
        f"{done.images} images answered alike (largest difference {done.worst:.1g})"
    )
