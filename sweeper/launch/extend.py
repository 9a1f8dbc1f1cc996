"""Between launch and resume a sweep may get a larger budget or a wider space; all else is refused."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from sweeper.config.sections import BudgetSpec
from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.errors import SpecError, StateError
from sweeper.launch.changes import WIDER, Change, differences
from sweeper.launch.create import reopen, write_resolved
from sweeper.registry import nearest
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store import lease
from sweeper.store.events import SweepExtended, TrialRetried, TrialWished
from sweeper.store.history import TrialHistory, replay
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.trial import State, Wish


def extend(paths: SweepPaths, budget: Sequence[str], widen: Sequence[str]) -> list[Change]:
    """Enlarge the stored sweep, in its record and in its file; BusyError where it runs."""
    with lease.held(paths.root):
        spec, record = reopen(paths)
        with contextlib.closing(record):
            changed = extended(spec, budget, widen)
            changes = differences(spec, changed)
            record.put_meta({"spec": json.dumps(changed.resolved()), "spec_digest": changed.digest})
            record.append(SweepExtended(changes=[str(change) for change in changes]))
            write_resolved(changed, paths, record.meta)
    return changes


def retry_failed(paths: SweepPaths) -> list[int]:
    """Put the trials that failed back into the queue, and return their numbers; StateError where none did."""
    with lease.held(paths.root), contextlib.closing(Record.open(paths.record)) as record:
        trials = [t for t in replay(record.events()).trials.values() if t.state is State.FAILED]
        if not trials:
            raise StateError("no trial of it failed", where=paths.name, hint=f"sweeper status {paths.name}")
        record.append(*(TrialRetried(trial=trial.id) for trial in trials))
    return [trial.number for trial in trials]


def release(sweep: StoredSweep, trial: TrialHistory) -> None:
    """Let a trial go on that somebody paused, when the sweep is resumed; BusyError where it runs."""
    with lease.held(sweep.root), contextlib.closing(Record.open(sweep.paths.record)) as record:
        record.append(TrialWished(trial=trial.id, wish=Wish.RESUME, by=lease.asker()))


def extended(spec: SweepSpec, budget: Sequence[str], widen: Sequence[str]) -> SweepSpec:
    """Return the sweep with `gpu_hours=+10` or `trials=80` in its budget and `layers.max=6` in its space.

    SpecError for what would shrink either, because trials that ran would no longer belong to the sweep.
    """
    raw = spec.resolved()
    for change in budget:
        name, value = _budget(change, raw["budget"])
        raw["budget"][name] = value
    changed = restore_spec(raw, name=spec.name, overrides=list(_widened(widen)))
    for name, parameter in spec.parameters.items():
        for value in parameter.extremes():
            if not changed.parameters[name].accepts(value):
                raise SpecError(f"--widen: {name} no longer takes {value!r}", hint="a space can only grow")
    return changed


def _budget(change: str, held: dict[str, Any]) -> tuple[str, float | int]:
    name, is_given, text = change.partition("=")
    if name not in BudgetSpec.model_fields or not is_given:
        raise SpecError(f"{change}: no such limit", hint=nearest(name, BudgetSpec.model_fields))
    try:
        amount = float(text)
    except ValueError as error:
        raise SpecError(f"{change}: {text!r} is no number", hint=f"write {name}=+10") from error
    before = held[name]
    if before is None:
        raise SpecError(f"{change}: the sweep has no such limit", hint="it is unlimited already")
    after = before + amount if text.startswith(("+", "-")) else amount
    if after < before:
        raise SpecError(
            f"{change}: {after:g} is less than {before:g}", hint=f"a budget can only grow: {name}=+20"
        )
    return name, int(after) if isinstance(before, int) else after


def _widened(widen: Sequence[str]) -> Iterator[str]:
    for change in widen:
        path, is_given, value = change.partition("=")
        if not is_given or path.rpartition(".")[2] not in WIDER:
            raise SpecError(f"--widen {change}: cannot be read", hint="write --widen layers.max=6")
        yield f"parameters.{path}={value}"
