"""The test split, opened once for a finished sweep's winner and for nothing that is still to be chosen."""

import time
from pathlib import Path

from sweeper.results.cards.published import published_trials
from sweeper.store.history import TrialHistory
from sweeper.sweep.ranking import best_of
from sweeper.sweep.sweep import Sweep
from sweeper.training.device import default_device
from sweeper.training.loop import final_score
from sweeper.training.recipe import compose
from sweeper.training.trial_workload import Training, open_for


def score_chosen(sweep: Sweep, workload: Training) -> None:
    """Open the test split for those that `objective.test` names: each once, whatever is resumed.

    The winner is chosen before, on the validation split; what is read here chooses nothing. Where no image
    is kept for the test, nothing is measured.
    """
    goal = sweep.spec.objective.goal
    winner = best_of(sweep.history, goal)
    chosen = [] if winner is None else [winner]
    if sweep.spec.objective.test == "points":
        chosen += [trial for trial in published_trials(sweep.spec, sweep.history) if trial is not winner]
    for trial in chosen:
        best = trial.best(goal)
        if best is not None and best.checkpoint is not None and not trial.test:
            _score(sweep, workload, trial, Path(best.checkpoint))


def _score(sweep: Sweep, workload: Training, trial: TrialHistory, checkpoint: Path) -> None:
    since = time.monotonic()
    recipe = compose(trial.config, workload.train)
    dataset = open_for(recipe, workload.dataset, workload.cache)
    if not dataset.size("test"):
        return
    metrics = final_score(checkpoint, dataset, recipe, device=default_device())
    sweep.book("final test", time.monotonic() - since)
    sweep.tested(trial.id, metrics)
