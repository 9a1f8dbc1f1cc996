"""How good a network is and where it fails, for people: `sweeper evaluate`."""

from collections.abc import Sequence

import click

from sweeper.cli.parts.table import print_table
from sweeper.inference.evaluation import Evaluation
from sweeper.inference.scores import ClassScore, Scores
from sweeper.wording import plain

MOST_CLASSES = 30
"""So many classes are printed, the worst ones; the files hold all of them."""


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the figures of the whole split, then disturbed, by class, and what is taken for what."""
    model, scores = evaluation.model, evaluation.scores
    who = click.style(f"trial {model.number} of {model.sweep}", bold=True)
    count = f"{scores.images} images of {len(scores.classes)} classes"
    click.echo(f"{who}, epoch {model.epoch}, {evaluation.split} split: {count}")
    calibration = scores.calibration
    click.echo(
        f"top-1 {_percent(scores.top1)}, top-{scores.k} {_percent(scores.top5)}, loss {scores.loss:.4g}, "
        f"mean of the classes' top-1 {_percent(scores.balanced_top1)}, "
        f"calibration error {_percent(calibration.ece)}"
    )
    _title("disturbed")
    rows = [(row.name, _percent(row.top1), _percent(row.top5)) for row in evaluation.sensitivity]
    undisturbed = ("none", _percent(scores.top1), _percent(scores.top5))
    print_table(("disturbance", "top-1", f"top-{scores.k}"), [undisturbed, *rows], left=("disturbance",))
    _print_classes(scores.per_class(), scores.k)
    _print_confused(scores)


def _print_classes(rows: Sequence[ClassScore], k: int) -> None:
    worst = sorted(rows, key=lambda row: 2.0 if row.top1 is None else row.top1)[:MOST_CLASSES]
    _title("by class" if len(worst) == len(rows) else f"the {len(worst)} worst of {len(rows)} classes")
    cells = [
        (plain(r.name), str(r.images), _percent(r.top1), _percent(r.top5), _percent(r.precision))
        for r in worst
    ]
    print_table(("class", "images", "top-1", f"top-{k}", "precision"), cells, left=("class",))


def _print_confused(scores: Scores) -> None:
    if pairs := scores.confused_pairs():
        _title("most confused")
        cells = [(plain(p.true), plain(p.predicted), str(p.images), _percent(p.share)) for p in pairs]
        print_table(("true", "taken for", "images", "share"), cells, left=("true", "taken for"))


def _title(text: str) -> None:
    click.echo(f"\n{click.style(text, bold=True)}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
