"""This puts files beside a trial's run in MLflow: pictures and tables, which the outbox's rows do not carry.

Used after `sweeper.trackers.mlflow` has delivered the rows, which also decides how MLflow talks to servers.
"""

import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # mlflow reads it while it is being imported

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from sweeper.trackers import Refused, Target, Undelivered
from sweeper.wording import redacted


def upload(target: Target, trial: str, files: Sequence[Path], folder: str) -> None:
    """Put the files into `folder` of the trial's run; those of the same names are replaced.

    Refused where MLflow knows no such run, Undelivered where it does not answer.
    """
    place = redacted(target.uri)
    try:
        client = MlflowClient(tracking_uri=target.uri)
        run = _run_of(client, target, trial)
        if not run:
            raise Refused(f"no run of trial {trial} to add files to", where=place)
        for file in files:
            client.log_artifact(run, str(file), folder)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Undelivered(redacted(first)[:300], where=place) from error


def _run_of(client: MlflowClient, target: Target, trial: str) -> str:
    experiment = client.get_experiment_by_name(target.experiment)
    if experiment is None:
        return ""
    condition = f"tags.`sweeper.trial_key` = '{trial}'"
    found = client.search_runs([experiment.experiment_id], condition, max_results=1)
    return found[0].info.run_id if found else ""
