"""This module puts scores that were measured after a trial's training into its record and its MLflow run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sweeper.launch.tracking import deliver, note_scores
from sweeper.store.history import TrialHistory
from sweeper.store.paths import SweepPaths
from sweeper.trackers import Refused, Undelivered
from sweeper.trackers.parts.mlflow_files import upload

DELIVERY_SECONDS = 30.0


def tell_scores(
    paths: SweepPaths,
    trial: TrialHistory,
    metrics: Mapping[str, float],
    *,
    tested: Mapping[str, float] | None,
    files: Sequence[Path],
    folder: str,
) -> str:
    """Add the metrics to the record and to the trial's MLflow run, with the files.

    `tested` are the test split's figures, of which the record notes when they were looked at. Returns what
    went wrong with MLflow, or ""; what it has not confirmed stays in the record.
    """
    note_scores(paths, trial, metrics, tested=tested)
    done = deliver(paths, DELIVERY_SECONDS)
    if done.problem or done.left:
        return done.problem or "not all rows were taken"
    try:
        upload(done.target, trial.id, files, folder)
    except (Undelivered, Refused) as error:
        return str(error)
    return ""
