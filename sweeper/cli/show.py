"""`sweeper show`: what is a trial's network made of, how did it learn, and what does it look at?"""

from pathlib import Path

import click

from sweeper.cli.parts.chosen_trial import choose, open_chosen, trial_option, writing
from sweeper.cli.parts.network_page import network_facts, print_layers
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json
from sweeper.errors import StateError
from sweeper.files import own_folder
from sweeper.inference.network_layers import layer_rows
from sweeper.inference.network_pictures import draw_curves, draw_network
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.history import TrialHistory


@click.command(epilog="Example:  sweeper show groceries --trial 1 --image photo.jpg")
@sweep_name
@trial_option
@click.option("--image", type=click.Path(path_type=Path), help="Draw its maps. [default: a validation image]")
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Draw maps of this layer. Repeatable.")
@as_json
def command(name: str, trial: str | None, image: Path | None, layers: tuple[str, ...], as_json: bool) -> None:
    """Print the layers of a network of SWEEP, and draw its curves, first filters and feature maps.

    The pictures lie in runs/SWEEP/show/TRIAL.
    """
    sweep, chosen = choose(name, trial)
    if sweep.classes is None:
        raise StateError("its record does not tell the classes of its images", where=name)
    rows = layer_rows(chosen.config, sweep.spec, sweep.classes)
    if not as_json:
        print_layers(sweep, chosen, rows)
    files, note = _draw(sweep, chosen, image, layers)
    if as_json:
        names = [str(file) for file in files]
        print_json(network_facts(sweep, chosen, rows) | {"files": names, "note": note})
        return
    for file in files:
        click.echo(str(file))
    if note:
        click.echo(note, err=True)


def _draw(
    sweep: StoredSweep, trial: TrialHistory, image: Path | None, layers: tuple[str, ...]
) -> tuple[list[Path], str]:
    """Draw the pictures; return their files, and why some are missing."""
    folder = sweep.root / "show" / str(trial.number)
    title = f"{sweep.name} trial {trial.number}"
    with writing(folder):
        own_folder(folder, sweep.root)
        files = draw_curves(trial, sweep.spec.objective.goal, title, folder)
        try:
            opened = open_chosen(sweep, trial, on_cpu=True)
        except StateError as error:  # the table and the curves need no checkpoint
            return files, f"neither filters nor feature maps: {error}"
        return files + draw_network(opened, image, layers, folder), ""
