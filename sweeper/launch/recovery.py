"""This module takes a stored sweep over: it owns it and repairs its record."""

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Generator
from pathlib import Path

from sweeper.config.spec import SweepSpec
from sweeper.errors import StateError
from sweeper.files import replacing
from sweeper.launch.create import write_resolved
from sweeper.results.stored_sweep import StoredSweep, find, read
from sweeper.store import lease
from sweeper.store.history import replay
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.store.record_file import LOCKED_SECONDS, Damaged, proving
from sweeper.trackers.address import tracking_uri
from sweeper.training.checkpoint_names import hand_over


@contextlib.contextmanager
def owned(name: str, say: Callable[[str], None]) -> Generator[StoredSweep]:
    """Own the sweep for the block. If its record was lost, its copy takes the place, and that is said."""
    paths = find(name)
    with lease.held(paths.root):
        yield _readable(paths, say)


def _readable(paths: SweepPaths, say: Callable[[str], None]) -> StoredSweep:
    with contextlib.suppress(Damaged):
        if paths.record.is_file():
            return read(paths)
    if done := recover(paths):
        say(done)
    return read(paths)


def refuse_finished(sweep: StoredSweep) -> None:
    """Raise StateError where the sweep has nothing left to do."""
    name = sweep.paths.name
    if sweep.history.closed == "budget":
        hint = f"`sweeper extend {name} --budget gpu_hours=+1` raises it, `sweeper best {name}` answers"
        raise StateError("its budget is spent", where=name, hint=hint)
    if sweep.history.closed == "done":
        more = f"`sweeper extend {name} --trials +20` gives it more to do"
        raise StateError("nothing left to do", where=name, hint=f"`sweeper best {name}` answers, {more}")
    if sweep.history.closed == "paused" and sweep.history.held:
        numbers = ", ".join(str(trial.number) for trial in sweep.history.held)
        hint = f"`sweeper resume {name} --trial {sweep.history.held[0].number}` goes on with it"
        raise StateError(f"all that is left of it is paused by hand: trial {numbers}", where=name, hint=hint)
    if sweep.history.closed == "broken":
        count = sweep.spec.budget.max_failed
        raise StateError(
            f"each of its first {count} trials failed, so more would too",
            where=name,
            hint=f"`sweeper logs {name} 0` says why, `sweeper retry {name} --failed` tries them again",
        )


def recover(paths: SweepPaths, patience: float = LOCKED_SECONDS) -> str:
    """Put the copy in the record's place if that is needed; return what was done in words, or "".

    What is left of the record is kept as `record.db.damaged`. A record that is only locked, after `patience`
    seconds, or that may not be read stays where it is, and the error is raised. The caller holds the lease.
    """
    problem = _problem(paths.record, patience)
    if not problem or not paths.copy.is_file():
        return ""
    _prove(paths.copy, patience)  # a copy that is damaged too changes nothing
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(paths.copy.stat().st_mtime))
    _set_aside(paths.record)
    _put_in_place(paths.copy, paths.record)
    _adopt_checkpoints(paths)
    return (
        f"{paths.record} {problem}: going on from {paths.copy.name}, written {written}; "
        "epochs trained since then are taken from their checkpoints"
    )


def remember(spec: SweepSpec, record: Record, paths: SweepPaths) -> None:
    """Store the changed sweep, in its record and in its file."""
    record.put_meta({"spec": json.dumps(spec.resolved()), "spec_digest": spec.digest})
    write_resolved(spec, paths, record.meta)


def tell_a_new_store(spec: SweepSpec, record: Record, paths: SweepPaths) -> None:
    """Tell MLflow everything again where its own file did not come along with the sweep's folder."""
    uri = tracking_uri(spec.tracking.uri, paths.mlflow)
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        record.tell_again()


def _problem(record: Path, patience: float) -> str:
    if not record.is_file():
        return "is missing"
    try:
        _prove(record, patience)
    except Damaged as error:
        return f"is damaged ({error.problem})"
    return ""


def _prove(record: Path, patience: float) -> None:
    """Raise Damaged where the record cannot be read to its last event.

    Other errors say nothing against it.
    """
    with contextlib.closing(Record.open(record, patience)) as opened, proving(record):
        replay(opened.events())


def _set_aside(record: Path) -> None:
    for end in ("", "-wal", "-shm"):  # a journal of the lost file must not be applied to its copy
        left = record.with_name(record.name + end)
        if left.exists():
            left.replace(record.with_name(f"{record.name}.damaged{end}"))


def _put_in_place(copy: Path, record: Path) -> None:
    with replacing(record, durable=True, mode=0o600) as part:
        shutil.copy2(copy, part)


def _adopt_checkpoints(paths: SweepPaths) -> None:
    """Give a trial's next attempt the checkpoints of attempts that the copy does not know."""
    record = Record.open(paths.record)
    trials = replay(record.events()).trials
    record.tell_again()
    record.close()
    for folder in paths.checkpoints.iterdir() if paths.checkpoints.is_dir() else ():
        trial = trials.get(folder.name)
        numbers = [attempt.number for attempt in trial.attempts] if trial else []
        hand_over(folder, max(numbers, default=0))
