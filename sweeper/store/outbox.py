"""The rows of the outbox tell trackers of a sweep: a run for each trial, a point for each epoch, an end."""

import math
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from sweeper.config.parameter import Constant
from sweeper.config.spec import SweepSpec
from sweeper.store.history import TrialHistory
from sweeper.store.record import OutboxRow, RowKind
from sweeper.trial import Config, Outcome, Report, State
from sweeper.wording import value_text

_UNITS = {"layers": " layers", "pixels": " px"}
_ENDS = {State.COMPLETED: "trained in full"}
STATUS = {State.FAILED: "FAILED", State.INFEASIBLE: "FAILED", State.CANCELLED: "KILLED"}


def sweep_row(spec: SweepSpec, sweep_id: str, git_revision: str = "") -> OutboxRow:
    """Make the row of the parent run, in which all trials' runs are nested."""
    params = dict(_flat({"dataset": spec.dataset.source, **spec.train.model_dump()}))
    tags = {
        "sweeper.sweep_id": sweep_id,
        "sweeper.version": version("sweeper"),
        "sweeper.spec": spec.digest,
    }
    if git_revision:
        tags["mlflow.source.git.commit"] = git_revision
    return _row(RowKind.RUN, "", {"trial_key": sweep_id, "name": spec.name, "params": params, "tags": tags})


def run_row(trial: TrialHistory, spec: SweepSpec) -> OutboxRow:
    """Make the row of a trial's run.

    All trials have the same parameters where possible, so that runs compare: what the configuration leaves
    open is that of the `train` section. The row is told again when a trial goes on, because its run is then
    running again.
    """
    name = trial.point or f"{spec.name}-{trial.number:04d}{_special(trial.config, spec)}"
    tags = {
        "sweeper.trial_number": str(trial.number),
        "sweeper.point": trial.point or "",
        "mlflow.note.content": _note(trial, spec),
    }
    params = dict(_flat(spec.train.model_dump())) | dict(_flat(trial.config))
    return _row(RowKind.RUN, trial.id, {"trial_key": trial.id, "name": name, "params": params, "tags": tags})


def left_row(trial: TrialHistory) -> OutboxRow:
    """Make the row of a trial that is not over when the driver leaves: its run rests until a resume."""
    tags = {"sweeper.state": str(trial.state), "sweeper.why": "goes on when the sweep is resumed"}
    return _row(RowKind.END, trial.id, {"status": "KILLED", "metrics": {}, "tags": tags})


def metrics_row(trial: TrialHistory, report: Report, usd: float | None) -> OutboxRow:
    """Make the row of one epoch's figures."""
    metrics = _finite(report.metrics)
    if usd is not None:
        metrics["usd"] = usd
    return _row(RowKind.METRICS, trial.id, {"step": report.epoch, "metrics": metrics})


def tested_row(trial: TrialHistory, metrics: Mapping[str, float]) -> OutboxRow:
    """Make the row of the test split's figures, beside the trial's last epoch."""
    step = trial.last.epoch if trial.last else 0
    return _row(RowKind.METRICS, trial.id, {"step": step, "metrics": _finite(metrics)})


def ended_row(trial: TrialHistory, outcome: Outcome, figures: Mapping[str, float]) -> OutboxRow:
    """Make the row of a trial's end, with figures to sort by, and why it ended."""
    metrics = _finite(figures)
    verdict = trial.answer.reason if trial.answer and outcome.state is State.STOPPED else ""
    why = outcome.message or outcome.kind or verdict or _ENDS.get(outcome.state, str(outcome.state))
    tags = {"sweeper.state": str(outcome.state), "sweeper.why": why}
    status = STATUS.get(outcome.state, "FINISHED")
    step = trial.last.epoch if trial.last else 0
    return _row(RowKind.END, trial.id, {"status": status, "step": step, "metrics": metrics, "tags": tags})


def closed_row(why: str, metrics: Mapping[str, float]) -> OutboxRow:
    """Make the row that ends the parent run, with the sweep's sums."""
    status = {"done": "FINISHED", "budget": "FINISHED", "broken": "FAILED", "error": "FAILED"}.get(
        why, "KILLED"
    )
    return _row(RowKind.END, "", {"status": status, "metrics": dict(metrics), "tags": {"sweeper.state": why}})


def _special(config: Config, spec: SweepSpec) -> str:
    """Return what tells the trial from others at a glance: ` · 3 layers, 64 px`."""
    searched = [name for name, p in spec.space.parameters.items() if not isinstance(p, Constant)]
    known = sorted((name for name in searched if name in config), key=lambda name: name not in _UNITS)
    parts = [
        f"{config[name]}{_UNITS[name]}" if name in _UNITS else f"{name} {value_text(config[name])}"
        for name in known[:2]
    ]
    return f" · {', '.join(parts)}" if parts else ""


def _note(trial: TrialHistory, spec: SweepSpec) -> str:
    """Return the configuration and what to type for more, as MLflow shows it beside a run."""
    lines = [f"- {name}: {value_text(value)}" for name, value in trial.config.items()]
    typed = (f"sweeper logs {spec.name} {trial.number}", f"sweeper show {spec.name} --trial {trial.number}")
    return "\n".join([*lines, "", *(f"`{command}`" for command in typed)])


def _row(kind: RowKind, trial: str, payload: Mapping[str, Any]) -> OutboxRow:
    return OutboxRow(0, 0, kind, trial, payload)


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Leave out infinite figures, which a tracker would sort first; NaN stays."""
    return {name: value for name, value in metrics.items() if not math.isinf(value)}


def _flat(config: Config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Split lists: `filters: [16, 32]` becomes filters.1 = 16 and filters.2 = 32, which a UI can plot."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield from ((f"{prefix}{key}.{place}", item) for place, item in enumerate(value, start=1))
        else:
            yield f"{prefix}{key}", value
