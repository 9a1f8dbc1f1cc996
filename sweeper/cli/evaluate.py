"""`sweeper evaluate`: how good is a trial's network, and where does it fail?"""

from collections.abc import Sequence
from pathlib import Path

import click

from sweeper.cli.parts.chosen_trial import choose, open_chosen, trial_option, writing
from sweeper.cli.parts.evaluation_page import print_evaluation
from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.table import print_json
from sweeper.files import own_folder
from sweeper.inference.evaluation import Evaluation, Scored, evaluate
from sweeper.inference.evaluation_files import write_evaluation
from sweeper.results.stored_sweep import StoredSweep, refuse_running
from sweeper.store.history import TrialHistory

UNTOLD = 7


@click.command(epilog="Example:  sweeper evaluate digits --trial 3")
@sweep_name
@trial_option
@click.option("--split", type=click.Choice(["test", "valid"]), default="test", show_default=True)
@as_json
def command(name: str, trial: str | None, split: Scored, as_json: bool) -> int:
    """Score the network of SWEEP's best trial: by class, by confusion, by confidence, and disturbed.

    Writes tables and pictures to runs/SWEEP/evaluation/TRIAL/SPLIT and adds them to the trial's MLflow run.
    The test split of a sweep that still runs stays closed: nothing may be chosen by it.
    """
    sweep, chosen = choose(name, trial)
    if split == "test":
        refuse_running(name)
    evaluation = evaluate(open_chosen(sweep, chosen), split)
    folder = sweep.root / "evaluation" / str(chosen.number) / split
    with writing(folder):
        own_folder(folder, sweep.root)
        files = write_evaluation(evaluation, folder)
    problem = "" if sweep.owner else _tell(sweep, chosen, evaluation, files)
    if as_json:
        print_json({**evaluation.facts, "files": [str(file) for file in files], "untold": problem})
    else:
        print_evaluation(evaluation)
        click.echo(f"\nfiles in {folder}: {', '.join(file.name for file in files)}")
    if sweep.owner:
        click.echo("the sweep runs: MLflow is not told now", err=True)
    if problem:
        click.echo(f"MLflow: {problem}; `sweeper sync {name}` delivers the figures later", err=True)
    return UNTOLD if problem else 0


def _tell(sweep: StoredSweep, trial: TrialHistory, evaluation: Evaluation, files: Sequence[Path]) -> str:
    from sweeper.launch.tell_scores import tell_scores  # loads mlflow

    is_test = evaluation.split == "test"
    known = {} if is_test else evaluation.headline  # training has told the validation figures itself
    metrics = {name: value for name, value in evaluation.metrics.items() if name not in known}
    tested = evaluation.headline if is_test and not trial.test else None
    folder = f"evaluation/{evaluation.split}"
    return tell_scores(sweep.paths, trial, metrics, tested=tested, files=files, folder=folder)
