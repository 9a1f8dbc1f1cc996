"""This module reads from earlier sweeps in `runs/` how fast this machine trains on the same images."""

import contextlib
import itertools
import json
import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.cost import Overheads, Timing
from sweeper.data.dataset import DataFacts
from sweeper.errors import SweeperError
from sweeper.plan.network_cost import size_of
from sweeper.store.attempt import Grant
from sweeper.store.history import Attempt, SweepHistory, TrialHistory, replay
from sweeper.store.paths import SweepPaths, sweep_names
from sweeper.store.record import Record

MOST_BYTES = 30_000_000
"""A record larger than this is passed over: reading it would hold up a launch."""
MOST_TRIALS = 6
"""The trials taken from each record, spread over their costs; building each network takes 10 ms."""
MOST_RECORDS = 2

TYPICAL = Overheads(worker=1.1, attempt=0.02, epoch=0.013)
"""Under Ray on a CPU, four sweeps of 32 digits trials: a worker's first attempt, any attempt, each report."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The timed epochs of earlier sweeps, the number of those sweeps, and what was billed besides.

    `startup` are the seconds until the first trial of the newest had its device, where Ray ran it.
    """

    timings: tuple[Timing, ...] = ()
    sweeps: tuple[str, ...] = ()
    overheads: Overheads = TYPICAL
    startup: float | None = None


def remember(spec: SweepSpec, facts: DataFacts, runs: Path, *, device: str, is_gpu: bool) -> Remembered:
    """Return the timings of the newest sweeps on the same images, else of those on the same source.

    A record that cannot be read, or is of another kind of device, is passed over silently.
    """
    found = [(record, _likeness(record, spec, facts)) for record in _newest(runs)]
    best = max((likeness for _, likeness in found), default=0)
    timings, sweeps, overheads, starts = list[Timing](), list[str](), list[Overheads](), list[float]()
    for path, likeness in found:
        if not best or likeness != best or len(sweeps) == MOST_RECORDS:
            continue
        with contextlib.suppress(SweeperError, OSError, ValueError, KeyError, TypeError):
            past, history = _read(path)
            of_kind = [
                t for t in history.trials.values() if t.attempts and _is_of(t.attempts, device, is_gpu)
            ]
            mine = list(_timings(_spread(of_kind), past, _facts(path, past, facts)))
            if mine:
                timings += mine
                sweeps.append(past.name)
                overheads.append(_overheads(history))
                starts += [a.granted for a in history.attempts[:1] if a.node != Grant().node]
    beside = overheads[0] if overheads else TYPICAL
    return Remembered(tuple(timings), tuple(sweeps), beside, starts[0] if starts else None)


def _newest(runs: Path) -> list[Path]:
    records = [SweepPaths(runs / name).record for name in sweep_names(runs)]
    readable = [path for path in records if os.access(path, os.R_OK) and path.stat().st_size <= MOST_BYTES]
    return sorted(readable, key=os.path.getmtime, reverse=True)[:20]


def _likeness(path: Path, spec: SweepSpec, facts: DataFacts) -> int:
    """Return 2 for the same images, 1 for the same source, 0 for others."""
    with contextlib.suppress(SweeperError, OSError, ValueError, KeyError):
        meta = _meta(path)
        if meta["data_digest"] == facts.digest:
            return 2
        return int(json.loads(meta["spec"])["dataset"]["source"] == spec.dataset.source)
    return 0


def _meta(path: Path) -> dict[str, str]:
    record = Record.open(path, patience=0.0)
    try:
        return record.meta
    finally:
        record.close()


def _read(path: Path) -> tuple[SweepSpec, SweepHistory]:
    record = Record.open(path, patience=0.0)
    try:
        return restore_spec(json.loads(record.meta["spec"]), name=str(path)), replay(record.events())
    finally:
        record.close()


def _facts(path: Path, past: SweepSpec, facts: DataFacts) -> DataFacts:
    """Return the facts with the numbers of images that the record's own split had."""
    meta = _meta(path)
    images = sum(json.loads(meta["images"]).values())
    split = past.dataset.split
    train, valid = split.train, split.valid
    if split.folds:
        train, valid = (1 - split.test) * (1 - 1 / split.folds), (1 - split.test) / split.folds
    counts = {"train": int(images * train), "valid": int(images * valid), "test": int(images * split.test)}
    classes = tuple(json.loads(meta["classes"]))
    return replace(facts, classes=classes, channels=int(meta["channels"]), images=images, per_split=counts)


def _is_of(attempts: Sequence[Attempt], device: str, is_gpu: bool) -> bool:
    ran_on = attempts[-1].device.lower()
    if attempts[-1].is_gpu != is_gpu or ran_on == "virtual":
        return False
    return not is_gpu or ran_on in ("gpu", "cuda") or ran_on in device.lower()


def _spread(trials: Sequence[TrialHistory]) -> list[TrialHistory]:
    """Return a few trials, from the cheapest to the dearest."""
    timed = sorted((pace, t.number, t) for t in trials if (pace := _pace(t)) is not None)
    if len(timed) <= MOST_TRIALS:
        return [trial for _, _, trial in timed]
    step = (len(timed) - 1) / (MOST_TRIALS - 1)
    return [timed[round(place * step)][2] for place in range(MOST_TRIALS)]


def _pace(trial: TrialHistory) -> float | None:
    """Return the seconds of an epoch, for a whole device.

    The first epoch warms up and counts only if it is alone.
    """
    ends = [0.0, *(report.device_seconds for report in trial.reports)]
    seconds = [after - before for before, after in itertools.pairwise(ends)]
    epochs = [report.epoch for report in trial.reports]
    if not seconds or epochs != list(range(1, len(epochs) + 1)):
        return None
    attempt = trial.attempts[-1]
    typical = statistics.median(seconds[1:] or seconds) / (attempt.share * attempt.places)
    return typical if typical > 0 else None


def _timings(trials: Sequence[TrialHistory], past: SweepSpec, facts: DataFacts) -> Iterator[Timing]:
    for trial in trials:
        pace = _pace(trial)
        with contextlib.suppress(SweeperError):
            if pace is not None:
                yield Timing(size_of(trial.config, past, facts).work, pace)


def _beside(attempt: Attempt) -> float:
    """Seconds that were billed beside training, for what the attempt held or shared with others."""
    return (attempt.device_seconds - attempt.productive_device_seconds) / (attempt.share * attempt.places)


def _overheads(history: SweepHistory) -> Overheads:
    """Return what was billed beside training, from the attempts that ended well."""
    ended = [a for a in history.attempts if a.ended in ("completed", "stopped", "paused") and a.billed]
    reports = {trial.id: len(trial.reports) for trial in history.trials.values() if len(trial.attempts) == 1}
    beside = [
        (_beside(attempt), reports[attempt.trial])
        for attempt in sorted(ended, key=lambda a: a.granted)
        if reports.get(attempt.trial)
    ]
    if len(beside) < 4:
        return TYPICAL
    epoch = statistics.median(seconds / count for seconds, count in beside)
    first = max(seconds - epoch * count for seconds, count in beside[:4])
    return Overheads(worker=max(0.0, first), attempt=TYPICAL.attempt, epoch=epoch)
