"""This module makes the folder of a sweep, with a new record and a file for people, or opens it again."""

import contextlib
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.errors import PreflightError, SweeperError
from sweeper.files import write_atomically
from sweeper.store import lease
from sweeper.store.events import Event
from sweeper.store.outbox import sweep_row
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.sweep.rules import NEWEST

if TYPE_CHECKING:
    from sweeper.plan.plan import Plan  # loads torch, which whoever only reopens a sweep does without

PACKAGES = ("sweeper", "torch", "torchvision", "ray", "optuna", "mlflow", "pyarrow")


def create(
    spec: SweepSpec,
    paths: SweepPaths,
    plan: "Plan",
    known: Sequence[Event] = (),
    quote: str = "",
    prices: str = "",
) -> Record:
    """Make the sweep's folder with its resolved file and a new record; StateError where there is one.

    `known` is what earlier sweeps found out, `quote` what the sweep was expected to cost, as JSON, and
    `prices` what the command line said of prices (`RunOptions.prices`).
    """
    sweep_id = secrets.token_hex(6)
    meta = {
        "sweep_id": sweep_id,
        "name": spec.name,
        "spec": json.dumps(spec.resolved()),
        "spec_digest": spec.digest,
        "overrides": json.dumps(list(spec.overrides)),
        "data_digest": plan.facts.digest,
        "channels": str(plan.facts.channels),
        "classes": json.dumps(list(plan.facts.classes)),
        "images": json.dumps(dict(zip(plan.facts.classes, plan.facts.per_class, strict=True))),
        "valid_images": json.dumps(list(plan.facts.per_class_and_split["valid"])),
        "test_images": str(plan.facts.per_split["test"]),
        "git_revision": _git_revision(),
        "versions": json.dumps({name: version(name) for name in PACKAGES}),
        "quote": quote,
        **NEWEST,
        "prices": prices,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    try:
        record = Record.create(paths.record, meta)
        record.append(*known, outbox=[sweep_row(spec, sweep_id, meta["git_revision"])])
        write_resolved(spec, paths, meta)
    except OSError as error:
        raise PreflightError(f"cannot be written ({error})", where=str(paths.root)) from error
    return record


@contextlib.contextmanager
def new_folder(paths: SweepPaths) -> Generator[None]:
    """Own the folder of a new sweep for the block, which makes it and runs the sweep.

    Where the block fails before a trial began, what it made is removed, so that the corrected file can
    be launched; what lay there before stays. An interrupt removes nothing: the sweep can be resumed.
    """
    made = [folder for folder in (paths.root, paths.root.parent) if not folder.exists()]
    with lease.held(paths.root), contextlib.ExitStack() as stack:
        if not paths.record.exists() and not paths.copy.exists():

            def undo(kind: type[BaseException] | None, *_: object) -> None:
                if kind and issubclass(kind, Exception) and not _has_begun(paths.record):
                    _remove(paths, made)

            stack.push(undo)
        yield


def _has_begun(record: Path) -> bool:
    """Say whether the record has a trial; one that cannot be read may have."""
    if not record.is_file() or not record.stat().st_size:
        return False
    try:
        with contextlib.closing(Record.open(record)) as opened:
            return any(event.trial for event in opened.events())
    except SweeperError:
        return True


def _remove(paths: SweepPaths, made: Sequence[Path]) -> None:
    """Remove the record, so that its folder can be launched into again, and the folders that were made."""
    for end in ("", "-wal", "-shm"):
        paths.record.with_name(paths.record.name + end).unlink(missing_ok=True)
    if paths.root in made:
        shutil.rmtree(paths.root, ignore_errors=True)
    if paths.root.parent in made:
        with contextlib.suppress(OSError):  # another sweep may lie there by now
            paths.root.parent.rmdir()


def reopen(paths: SweepPaths) -> tuple[SweepSpec, Record]:
    """Return the sweep as it was created, whatever became of its file since, with its record."""
    record = Record.open(paths.record)
    return restore_spec(json.loads(record.meta["spec"]), name=str(paths.spec)), record


def anchored(spec: SweepSpec) -> SweepSpec:
    """Return the same sweep with an absolute path to the images, which workers need."""
    if spec.dataset.root is None or "://" in spec.dataset.root:
        return spec
    return with_images_in(spec, spec.dataset.root)


def with_images_in(spec: SweepSpec, folder: str) -> SweepSpec:
    """Return the same sweep with its images in that folder, by its absolute path.

    Nothing checks that it exists.
    """
    root = str(Path(folder).expanduser().absolute())
    return spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"root": root})})


def write_resolved(spec: SweepSpec, paths: SweepPaths, meta: Mapping[str, str]) -> None:
    """Write the sweep as a file for people, who may launch another from it; only the record is read back."""
    lines = [
        f"# {key}: {meta.get(key, '')}"
        for key in ("created", "git_revision", "versions", "data_digest", "overrides")
    ]
    text = "\n".join(lines) + "\n" + yaml.safe_dump(spec.resolved(), sort_keys=False)
    write_atomically(paths.spec, text)


def _git_revision() -> str:
    """Return the revision of the working directory; empty outside a repository or without git."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
