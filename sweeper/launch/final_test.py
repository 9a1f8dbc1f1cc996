"""The test split is opened here, once for the winner of a finished sweep, when nothing is chosen any more."""

import logging
import time
from collections.abc import Callable

from sweeper.results.cards.published import published_trials
from sweeper.sweep.ranking import best_of
from sweeper.sweep.sweep import Sweep
from sweeper.training.checkpoint_names import checkpoint_after
from sweeper.training.trial_workload import Training

_log = logging.getLogger(__name__)

Compute = Callable[..., dict[str, float]]


def score_chosen(sweep: Sweep, workload: Training, compute: Compute) -> None:
    """Open the test split for those that `objective.test` names: each once, whatever is resumed.

    `compute` calls the function, here or on a worker. The winner is chosen before, on the validation split;
    what is read here chooses nothing. Where no image is kept for the test, nothing is measured.
    """
    goal = sweep.spec.objective.goal
    winner = best_of(sweep.history, goal)
    chosen = [] if winner is None else [winner]
    if sweep.spec.objective.test == "points":
        chosen += [trial for trial in published_trials(sweep.spec, sweep.history) if trial is not winner]
    for trial in chosen:
        best = trial.best(goal)
        folder = workload.checkpoints / trial.id
        checkpoint = checkpoint_after(best.epoch, folder) if best is not None else None
        if best is not None and checkpoint is None and not trial.test:
            _log.warning("no checkpoint of epoch %d of trial %d: no test", best.epoch, trial.number)
        if checkpoint is not None and not trial.test:
            since = time.monotonic()
            metrics = compute(workload.test, trial.config, checkpoint)
            if metrics:
                sweep.book("final test", time.monotonic() - since)
                sweep.tested(trial.id, metrics)
