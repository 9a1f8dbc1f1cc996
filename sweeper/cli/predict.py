"""`sweeper predict`: what does a trial's network see in these images?"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from sweeper.cli.parts.chosen_trial import choose, open_chosen, trial_option
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json
from sweeper.data.index import Bad
from sweeper.inference.image_files import Prediction, expand, predict
from sweeper.inference.trained_network import TrainedModel
from sweeper.wording import plain

ALL_FAILED, SOME_FAILED = 2, 3


@click.command(epilog="Example:  sweeper predict groceries photo.jpg shelf/ -k 3")
@sweep_name
@click.argument("images", nargs=-1, required=True, type=click.Path(), metavar="IMAGE...")
@trial_option
@click.option("-k", "most", type=click.IntRange(min=1), default=5, show_default=True, help="Labels an image.")
@as_json
def command(name: str, images: tuple[str, ...], trial: str | None, most: int, as_json: bool) -> int:
    """Name the likeliest labels of images, or of all images in folders, with SWEEP's best network.

    Images are prepared exactly as the sweep's own. One that cannot be read is reported and passed over;
    the exit code is then 3, or 2 if none could be read.
    """
    sweep, chosen = choose(name, trial)
    files = expand(images)
    model = open_chosen(sweep, chosen).model
    answers = predict(model, files, most=most)
    failed = _print_document(answers, model) if as_json else _print_lines(answers)
    return 0 if not failed else ALL_FAILED if failed == len(files) else SOME_FAILED


def _print_lines(answers: Iterator[Prediction | Bad]) -> int:
    """Print a line for each image as soon as it is answered; return how many failed."""
    failed = 0
    for answer in answers:
        if isinstance(answer, Bad):
            failed += 1
            click.echo(f"{plain(answer.key)}: {plain(answer.reason)}", err=True)
            continue
        guesses = (f"{plain(guess.label)} {100 * guess.probability:.1f} %" for guess in answer.guesses)
        click.echo(f"{plain(answer.file)}: {', '.join(guesses)}")
    return failed


def _print_document(answers: Iterator[Prediction | Bad], model: TrainedModel) -> int:
    predictions: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    for answer in answers:
        if isinstance(answer, Bad):
            bad.append({"file": answer.key, "reason": answer.reason})
        else:
            predictions.append(asdict(answer))
    where = {"sweep": model.sweep, "trial": model.number, "id": model.id, "epoch": model.epoch}
    print_json({**where, "predictions": predictions, "bad": bad})
    return len(bad)
