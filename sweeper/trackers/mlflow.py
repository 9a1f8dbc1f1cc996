"""The MLflow tracker: the sweep is a parent run, each trial a nested one.

Everything may be told twice. A run is found by its tag `sweeper.trial_key` before it is created, and
searched for again when a reply got lost; metrics carry the timestamp of the outbox row, which is what
makes a second delivery of the same point no second point.
"""

import getpass
import json
import logging
import math
import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # mlflow reads it while it is being imported

from alembic.util.exc import CommandError
from filelock import FileLock
from google.protobuf.json_format import Error as ProtobufError
from mlflow.entities import Experiment, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    BAD_REQUEST,
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    ErrorCode,
)
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from sweeper.files import remove_leftovers, replacing
from sweeper.store.record import OutboxRow, RowKind
from sweeper.trackers import Refused, Target, Undelivered, tracker
from sweeper.trackers.parts.mlflow_dataset import dataset_input
from sweeper.wording import redacted

_FOREVER = {ErrorCode.Name(code) for code in (INVALID_PARAMETER_VALUE, BAD_REQUEST)}
_SHAPELESS = (AttributeError, KeyError, IndexError, TypeError, ValueError, ProtobufError)
"""What MLflow's client raises while it takes apart JSON of another shape."""
_HTTP = {
    # A repeated create_run makes a second run, so the client must not retry behind our back.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}
_METRICS_A_REQUEST = 1000  # what the server takes at once
_PARAM_LENGTH = 6000
_KEY, _SWEEP, _TRIAL = "sweeper.trial_key", "sweeper.sweep_id", "sweeper.trial"
_PARENT = "sweep"  # the value of the tag `sweeper.trial` on the parent run


@tracker("mlflow")
class MlflowTracker:
    """One sweep in one experiment. Used from one thread; opens nothing before the first delivery."""

    def __init__(self, target: Target) -> None:
        os.environ.update(_HTTP)
        for name in ("mlflow", "alembic"):  # they print tracebacks of what is handled here
            logging.getLogger(name).setLevel(logging.CRITICAL)
            warnings.filterwarnings("ignore", module=rf"{name}\.")
        self._target = target
        self._client: MlflowClient | None = None
        self._experiment = ""
        self._runs: dict[str, str] = {}

    def deliver(self, trial: str, rows: Sequence[OutboxRow]) -> None:
        """Tell what happened to one trial (`""`: the sweep) in at most five requests.

        A `run` row creates or finds the run and reopens one that had ended; metrics of all rows go in
        one batch; the last `run` or `end` row decides the status.
        """
        with _translated(self._target):
            run_id = self._announced(trial, rows)
            self._log(run_id, rows)
            self._finish(run_id, rows)

    def experiment_id(self) -> str:
        """Return the experiment's id, which the UI's addresses need; the experiment is created if absent."""
        with _translated(self._target):
            return self._open_experiment()

    def _announced(self, trial: str, rows: Sequence[OutboxRow]) -> str:
        for row in rows:
            if row.kind == RowKind.RUN:
                return self._run_of(trial, row)
        if trial not in self._runs:
            found = self._search({_SWEEP: self._target.sweep_id, _TRIAL: trial or _PARENT})
            if not found:
                raise Refused(f"no MLflow run of trial {trial or 'sweep'!r} to add to")
            self._runs[trial] = found
        return self._runs[trial]

    def _run_of(self, trial: str, row: OutboxRow) -> str:
        payload = row.payload
        key = str(payload.get("trial_key") or trial or self._target.sweep_id)
        known = self._runs.get(trial, "")
        run_id = known or self._search({_KEY: key})
        if run_id:
            self._connected.update_run(run_id, status="RUNNING")
        else:
            tags = self._tags(trial, key, payload.get("tags", {}))
            created = self._connected.create_run(
                self._open_experiment(), row.at_ms, tags, str(payload.get("name") or key)
            )
            run_id = self._named(created.info.run_id, "run")
        if self._target.images is not None and not known:
            self._connected.log_inputs(run_id, [dataset_input(self._target.images)])
        self._runs[trial] = run_id
        return run_id

    def _log(self, run_id: str, rows: Sequence[OutboxRow]) -> None:
        # a trial that goes on announces itself again: of equal keys in one batch the last counts
        named = {p.key: p for row in rows for p in _params(row.payload.get("params", {}))}
        tagged = {str(k): str(v) for row in rows for k, v in row.payload.get("tags", {}).items()}
        params, tags = list(named.values()), [RunTag(key, value) for key, value in tagged.items()]
        metrics = list(dict.fromkeys(m for row in rows for m in _metrics(row)))
        first = metrics[:_METRICS_A_REQUEST]
        if first or params or tags:
            self._connected.log_batch(run_id, first, params, tags, synchronous=True)
        for start in range(_METRICS_A_REQUEST, len(metrics), _METRICS_A_REQUEST):
            part = metrics[start : start + _METRICS_A_REQUEST]
            self._connected.log_batch(run_id, part, synchronous=True)

    def _finish(self, run_id: str, rows: Sequence[OutboxRow]) -> None:
        deciding = [row for row in rows if row.kind != RowKind.METRICS]
        if deciding and deciding[-1].kind == RowKind.END:
            last = deciding[-1]
            self._connected.set_terminated(run_id, str(last.payload.get("status", "FINISHED")), last.at_ms)

    def _tags(self, trial: str, key: str, own: Mapping[str, Any]) -> dict[str, str]:
        tags = {_KEY: key, _SWEEP: self._target.sweep_id, _TRIAL: trial or _PARENT}
        tags |= {"mlflow.source.name": "sweeper", "mlflow.source.type": "LOCAL", "mlflow.user": _user()}
        if trial:
            tags["mlflow.parentRunId"] = self._announced("", ())
        elif self._target.note:
            tags["mlflow.note.content"] = self._target.note
        return tags | {str(name): str(value) for name, value in own.items()}

    def _search(self, tags: Mapping[str, str]) -> str:
        """Return the run with these tags, or "". Where a lost reply made twins, the others are set aside."""
        condition = " and ".join(f"tags.`{name}` = '{_quoted(value)}'" for name, value in tags.items())
        found = self._connected.search_runs([self._open_experiment()], condition)
        if not found:
            return ""
        first, *twins = sorted(found, key=_age)
        for twin in twins:
            self._connected.set_tag(twin.info.run_id, "sweeper.duplicate", "true", synchronous=True)
            self._connected.delete_run(twin.info.run_id)
        return first.info.run_id

    def _open_experiment(self) -> str:
        if not self._experiment:
            name = self._target.experiment
            held = self._connected.get_experiment_by_name(name)
            known: Mapping[str, str] = {}
            if held is None:
                found = self._create_experiment(name)
            else:
                found, known = self._named(held.experiment_id, "experiment"), dict(held.tags)
                _check_alive(held)
            for tag, value in self._target.tags.items():
                if known.get(tag) != value:
                    self._connected.set_experiment_tag(found, tag, value)
            self._experiment = found
        return self._experiment

    def _create_experiment(self, name: str) -> str:
        metric = self._target.metric
        tags = {"mlflow.experimentKind": "custom_model_development"}  # else the UI opens as GenAI
        if metric:
            tags["mlflow.experiment.primaryMetric.name"] = metric
            tags["mlflow.experiment.primaryMetric.greaterIsBetter"] = str(self._target.is_maximized)
        try:
            made = self._connected.create_experiment(name, _artifacts(self._target.uri), tags)
            return self._named(str(made), "experiment")
        except MlflowException as error:
            held = self._connected.get_experiment_by_name(name)
            if held is None or error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
                raise
            return held.experiment_id  # another sweep was quicker

    def _named(self, number: str, what: str) -> str:
        """The id; Undelivered where a reply has none: MLflow's client reads any JSON object as a reply."""
        if not number:
            problem = f"what answers there is no MLflow (its {what} has no id)"
            raise Undelivered(problem, where=redacted(self._target.uri))
        return number

    @property
    def _connected(self) -> MlflowClient:
        if self._client is None:
            _make_store(self._target.uri)
            self._client = MlflowClient(tracking_uri=self._target.uri)
        return self._client


@contextmanager
def _translated(target: Target) -> Generator[None]:
    """Turn the errors of MLflow, SQLAlchemy and sockets into the two that the sender knows."""
    place = redacted(target.uri)
    try:
        yield
    except MlflowException as error:
        kind = Refused if error.error_code in _FOREVER else Undelivered
        raise kind(_said(error), where=place) from error
    except (SQLAlchemyError, CommandError, OSError) as error:
        raise Undelivered(_said(error), where=place) from error
    except _SHAPELESS as error:
        problem = f"answers something that is not MLflow's ({type(error).__name__}: {_said(error)})"
        raise Undelivered(problem, where=place, hint="is there another service at that address?") from error
    except ImportError as error:
        hint = "install the database's driver, for PostgreSQL: pip install 'sweeper[postgres]'"
        raise Undelivered(_said(error), where=place, hint=hint) from error


def _make_store(uri: str) -> None:
    """Create an SQLite store aside and rename it into place.

    MLflow makes its tables in some forty migrations. Two processes that do so at once, or one that is
    killed meanwhile, leave a file that no MLflow ever opens again (measured: 3 of 3).
    """
    parts = urlsplit(uri)
    path = Path(parts.path[1:])
    if parts.scheme != "sqlite" or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if path.exists():
            return
        remove_leftovers(path)
        with replacing(path) as part:
            MlflowClient(tracking_uri=f"sqlite:///{part}").search_experiments(max_results=1)


def _artifacts(uri: str) -> str | None:
    """Return a folder beside an SQLite store; MLflow would take whatever the working directory is."""
    parts = urlsplit(uri)
    return str(Path(parts.path[1:]).parent / "mlflow-artifacts") if parts.scheme == "sqlite" else None


def _check_alive(experiment: Experiment) -> None:
    if experiment.lifecycle_stage != "active":
        raise Undelivered(
            f"tracking.experiment: {experiment.name!r} was deleted in MLflow",
            hint="restore it there, or name another one",
        )


def _metrics(row: OutboxRow) -> Iterator[Metric]:
    """Return the metrics without infinities, which MLflow would rank first; NaN stays and shows as a gap."""
    payload = row.payload
    for name, value in payload.get("metrics", {}).items():
        if not math.isinf(value):
            yield Metric(_metric_name(name), float(value), row.at_ms, int(payload.get("step", 0)))


def _metric_name(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-. :/") else "_" for c in name)[:250]


def _params(values: Mapping[str, Any]) -> Iterable[Param]:
    for name, value in values.items():
        if value is not None:
            yield Param(_metric_name(str(name)), _text(value)[:_PARAM_LENGTH])


def _text(value: Any) -> str:
    """Return a short text, `32,64` for [32, 64]: the UI's compare page cuts labels at ten characters."""
    if isinstance(value, list | tuple):
        return ",".join(_text(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value)


def _age(run: Run) -> tuple[int, str]:
    return run.info.start_time, run.info.run_id


def _quoted(value: str) -> str:
    return value.replace("'", "")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container without a passwd entry


def _said(error: Exception) -> str:
    """Return the first line of it; MLflow quotes the address with the password."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return redacted(line)[:300]
