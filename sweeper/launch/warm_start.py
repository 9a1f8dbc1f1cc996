"""A warm start turns what earlier sweeps of the same images found out into events of a new record."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.errors import SpecError, StateError
from sweeper.registry import nearest
from sweeper.store.events import EarlierTrial
from sweeper.store.history import TrialHistory, replay
from sweeper.store.paths import SweepPaths, sweep_names
from sweeper.store.record import Record
from sweeper.trial import Config, Report, State, canonical


def known_events(spec: SweepSpec, data_digest: str) -> list[EarlierTrial]:
    """Return an event for each configuration of the sweeps in `search.from` that lies in the space.

    SpecError, with its line, for a sweep that is not there, has no record, ranks by another metric, saw other
    images or trained otherwise: its results would mislead the search.
    """
    events: dict[str, EarlierTrial] = {}
    for place, name in enumerate(spec.search.warm_start):
        for event in events_of(spec, name, data_digest, spec.where(f"search.from.{place}")):
            events.setdefault(canonical(event.config), event)
    return list(events.values())


def events_of(spec: SweepSpec, name: str, data_digest: str, where: str = "") -> list[EarlierTrial]:
    """Return an event for each configuration of that sweep which lies in the space; SpecError as above."""
    events: dict[str, EarlierTrial] = {}
    for trial in _concluded(spec, name, where, data_digest):
        if spec.space.contains(trial.config):
            events.setdefault(canonical(trial.config), _known(name, trial))
    return list(events.values())


def within_limits(
    spec: SweepSpec, known: Sequence[EarlierTrial], refuse: Callable[[Config], str]
) -> list[EarlierTrial]:
    """Return those that keep `objective.limits`: by what can be counted (`refuse`), and by what was timed."""
    limits = spec.objective.limits
    if limits is None:
        return list(known)
    kept = (each for each in known if not any(limits.exceeded(r.metrics) for r in each.reports))
    return [each for each in kept if not refuse(each.config)]


def _concluded(spec: SweepSpec, name: str, where: str, data_digest: str) -> Iterator[TrialHistory]:
    with contextlib.closing(_record(name, where)) as record:
        earlier = restore_spec(json.loads(record.meta["spec"]), name=name)
        _check_alike(spec, earlier, name, where)
        if data_digest and record.meta.get("data_digest") != data_digest:
            raise SpecError(f"search.from: {name} saw other images, or another split", where=where)
        history = replay(record.events())
    for trial in history.trials.values():
        if trial.state in (State.COMPLETED, State.STOPPED) and trial.best(earlier.objective.goal):
            yield trial


def _record(name: str, where: str) -> Record:
    root = Path(name) if "/" in name else SweepPaths.of(name).root
    path = SweepPaths(root).record
    if not path.is_file():
        problem = f"search.from: no sweep {name!r} is there"
        raise SpecError(problem, where=where, hint=nearest(name, sweep_names()), path="search.from")
    try:
        return Record.open(path)
    except StateError as error:
        raise SpecError(f"search.from: {name}: {error.problem}", where=where, hint=error.hint) from error


def _check_alike(spec: SweepSpec, earlier: SweepSpec, name: str, where: str) -> None:
    """Refuse other metrics and other training, whose scores do not compare; the space may differ."""
    pairs: list[tuple[str, Any, Any]] = [
        ("objective.metric", earlier.objective.metric, spec.objective.metric)
    ]
    split = spec.dataset.split.model_dump()  # the digest is that of the images alone
    pairs += [
        (f"dataset.split.{key}", value, split[key])
        for key, value in earlier.dataset.split.model_dump().items()
    ]
    pairs += [
        (f"train.{key}", value, spec.train.model_dump()[key])
        for key, value in earlier.train.model_dump().items()
        if key not in spec.parameters
    ]
    for key, theirs, ours in pairs:
        if theirs != ours:
            raise SpecError(
                f"search.from: {name} has {key}: {theirs}, here it is {ours}",
                where=where,
                hint="its results would mislead the search: leave it out, or train alike",
            )


def _known(sweep: str, trial: TrialHistory) -> EarlierTrial:
    reports = tuple(
        Report(each.epoch, each.score, each.device_seconds, {"valid/top5": _top5(each), **_sizes(each)})
        for each in trial.reports
        if abs(each.score) < float("inf")
    )
    return EarlierTrial(
        sweep=sweep, number=trial.number, config=dict(trial.config), state=trial.state, reports=reports
    )


def _sizes(report: Report) -> dict[str, float]:
    """What the network takes, where the earlier sweep measured that."""
    names = ("parameters", "operations", "milliseconds")
    return {name: report.metrics[name] for name in names if name in report.metrics}


def _top5(report: Report) -> float:
    return report.metrics.get("valid/top5", report.score)
