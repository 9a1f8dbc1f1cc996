"""This module knows where MLflow's copy of a sweep goes, and delivers what the record holds for it."""

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sweeper.config.spec import SweepSpec
from sweeper.launch.create import reopen
from sweeper.store import lease
from sweeper.store.events import TrialTested
from sweeper.store.history import TrialHistory
from sweeper.store.outbox import tested_row
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.trackers import ImagesTold, Target, tracker
from sweeper.trackers.address import tracking_uri
from sweeper.trackers.parts.ui_server import View, check_store, shared_store
from sweeper.trackers.sender import Delivery, Sender, deliver_all
from sweeper.trackers.view_state import view_key, view_tags


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many rows MLflow had not confirmed before and after a delivery, and what it said last."""

    target: Target
    before: int
    left: int
    problem: str


def target_of(spec: SweepSpec, record: Record, paths: SweepPaths) -> Target:
    """Return where MLflow's copy of the sweep goes."""
    return Target(
        uri=tracking_uri(spec.tracking.uri, paths.mlflow),
        experiment=spec.tracking.experiment or spec.name,
        sweep_id=record.meta["sweep_id"],
        metric=spec.objective.metric,
        is_maximized=spec.objective.goal == "maximize",
        note=spec.description,
        tags=view_tags(spec, record.meta["sweep_id"]),
        images=_images(spec, record.meta),
    )


def _images(spec: SweepSpec, meta: Mapping[str, str]) -> ImagesTold | None:
    """Return what is known of the sweep's images; None in a record from before they were counted."""
    if not meta.get("data_digest") or "valid_images" not in meta:
        return None
    valid, test = sum(json.loads(meta["valid_images"])), int(meta.get("test_images", 0))
    train = sum(json.loads(meta["images"]).values()) - valid - test
    root = spec.dataset.root or ""
    name = Path(root).name or spec.dataset.source
    per_split = {"train": train, "valid": valid, "test": test}
    return ImagesTold(name, meta["data_digest"], spec.dataset.source, root, per_split)


def view_of(name: str | None, compare: int | None = None) -> View:
    """Return what MLflow's UI is to show of the sweep, or of all sweeps that share this folder's store.

    With `compare` the so many best of its runs stand side by side.

    StateError where there is no store.
    """
    if name is None:
        return shared_store()
    paths = SweepPaths.of(name)
    spec, record = reopen(paths)
    target = target_of(spec, record, paths)
    record.close()
    check_store(target.uri, "the sweep has told it nothing yet")
    key = view_key(target.sweep_id)
    return View(target.uri, target.experiment, key, target.sweep_id, target.is_maximized, compare)


def note_scores(
    paths: SweepPaths,
    trial: TrialHistory,
    metrics: Mapping[str, float],
    *,
    tested: Mapping[str, float] | None,
) -> None:
    """Write scores of a trial into the record, from which MLflow gets them; `tested` ones with their time."""
    with lease.held(paths.root), contextlib.closing(Record.open(paths.record)) as record:
        events = [] if tested is None else [TrialTested(trial=trial.id, metrics=dict(tested))]
        record.append(*events, outbox=[tested_row(trial, metrics)])


def deliver(paths: SweepPaths, seconds: float) -> Delivered:
    """Tell MLflow what the record still holds, for so many seconds at most. A repetition doubles nothing."""
    spec, record = reopen(paths)
    with contextlib.closing(record):
        target, before = target_of(spec, record, paths), record.pending_count()
        delivery = Delivery(record, lambda: tracker["mlflow"](target))
        deadline = time.monotonic() + seconds
        deliver_all(delivery, is_over=lambda: time.monotonic() > deadline)
        return Delivered(target, before, record.pending_count(), delivery.problem)


def sender_of(spec: SweepSpec, record: Record, paths: SweepPaths) -> Sender:
    """Return what tells MLflow while the sweep runs, on its own connection to the record."""
    target = target_of(spec, record, paths)
    return Sender(lambda: Record.open(paths.record), lambda: tracker["mlflow"](target))
