"""`sweeper evaluate`: how good is a trial's network, and where does it fail?"""

from typing import Any

import click

from sweeper.cli.parts.chosen_trial import choose, open_chosen, tell, trial_option, writing
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json, print_table
from sweeper.inference.evaluation import Evaluation, Scored, evaluate
from sweeper.inference.evaluation_files import write_evaluation
from sweeper.inference.scores import ClassScore
from sweeper.results.stored_sweep import StoredSweep, refuse_running
from sweeper.store.history import TrialHistory
from sweeper.wording import plain

UNTOLD = 7
MOST_CLASSES = 30
"""Printed; the files hold all of them."""


@click.command(epilog="Example:  sweeper evaluate digits --trial 3")
@sweep_name
@trial_option
@click.option("--split", type=click.Choice(["test", "valid"]), default="test", show_default=True)
@as_json
def command(sweep: str, trial: str | None, split: Scored, as_json: bool) -> int:
    """Score the network of SWEEP's best trial: by class, by confusion, by confidence, and disturbed.

    Writes tables and pictures to runs/SWEEP/evaluation/TRIAL/SPLIT and adds them to the trial's MLflow run.
    The test split of a sweep that still runs stays closed: nothing may be chosen by it.
    """
    told, chosen = choose(sweep, trial)
    if split == "test":
        refuse_running(sweep)
    evaluation = evaluate(open_chosen(told, chosen), split)
    folder = told.root / "evaluation" / str(chosen.number) / split
    with writing(folder):
        files = write_evaluation(evaluation, folder)
    problem = "" if told.owner else _tell(told, chosen, evaluation, files)
    if as_json:
        print_json({**evaluation.facts, "files": [str(file) for file in files], "untold": problem})
    else:
        _print(evaluation)
        click.echo(f"\nfiles in {folder}: {', '.join(file.name for file in files)}")
    if told.owner:
        click.echo("the sweep runs: MLflow is not told now", err=True)
    if problem:
        click.echo(f"MLflow: {problem}; `sweeper sync {sweep}` delivers the figures later", err=True)
    return UNTOLD if problem else 0


def _tell(told: StoredSweep, trial: TrialHistory, evaluation: Evaluation, files: list[Any]) -> str:
    is_test = evaluation.split == "test"
    known = {} if is_test else evaluation.headline  # training has told the validation figures itself
    metrics = {name: value for name, value in evaluation.metrics.items() if name not in known}
    tested = evaluation.headline if is_test and not trial.test else None
    return tell(told, trial, metrics, tested=tested, files=files, folder=f"evaluation/{evaluation.split}")


def _print(evaluation: Evaluation) -> None:
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
    if pairs := scores.confused_pairs():
        _title("most confused")
        cells = [(plain(p.true), plain(p.predicted), str(p.images), _percent(p.share)) for p in pairs]
        print_table(("true", "taken for", "images", "share"), cells, left=("true", "taken for"))


def _print_classes(rows: list[ClassScore], k: int) -> None:
    worst = sorted(rows, key=lambda row: 2.0 if row.top1 is None else row.top1)[:MOST_CLASSES]
    _title("by class" if len(worst) == len(rows) else f"the {len(worst)} worst of {len(rows)} classes")
    cells = [
        (plain(r.name), str(r.images), _percent(r.top1), _percent(r.top5), _percent(r.precision))
        for r in worst
    ]
    print_table(("class", "images", "top-1", f"top-{k}", "precision"), cells, left=("class",))


def _title(text: str) -> None:
    click.echo(f"\n{click.style(text, bold=True)}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
