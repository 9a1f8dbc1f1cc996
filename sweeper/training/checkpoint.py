"""Checkpoints: a directory is either whole and verified, or it does not count.

It is written aside, flushed to the disk and renamed. It holds only tensors and plain Python types, so that
reading one never runs code. `state.pt` holds the weights that answer. What only training needs, up to twice
as much again, lies beside it; the best epoch's checkpoint loses it when it is no longer one of the last two.
"""

import errno
import hashlib
import json
import logging
import pickle
import shutil
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, cast

import torch

from sweeper.errors import FailureKind, StateError
from sweeper.files import creating_folder, own_folder, write_atomically, writing
from sweeper.training.checkpoint_names import checkpoints_in, epoch_of

VERSION = 2
STATE = "state.pt"
REST = "training.pt"
MANIFEST = "manifest.json"
TRAINING_ONLY = ("optimizer", "trained")
LEFT_OUT = "left out"

_log = logging.getLogger(__name__)


class LostCheckpoint(StateError):
    """The record knows of a checkpoint, and this node finds neither it nor one before it."""

    failure_kind: ClassVar[FailureKind] = FailureKind.STORAGE


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a checkpoint says about itself; `sha256` and `size` are those of the state file.

    `rest` is the digest of the file beside it with what only training needs, "" where the state file holds
    all, as in version 1. Without that file no training goes on from here.
    """

    epoch: int
    trial_key: str
    attempt: int
    sha256: str
    size: int
    version: int = VERSION
    rest: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """The checkpoints of one trial: the last two, and the best epoch's weights."""

    root: Path
    trial_key: str
    attempt: int

    def save(self, state: Mapping[str, Any], *, epoch: int, best_epoch: int) -> Path:
        """Write the state of `epoch`, then drop what is neither recent nor `best_epoch`.

        A state whose "optimizer" is None is kept for its weights alone.
        StateError where a later attempt has written here: this one was given up and must not go on.
        """
        self._refuse_if_superseded()
        own_folder(self.root, self.root.parent.parent)
        final = self.root / f"epoch-{epoch:04d}.{self.attempt}"
        try:
            with creating_folder(final, durable=True) as part:
                _write_state(part, state, epoch=epoch, trial_key=self.trial_key, attempt=self.attempt)
                if final.exists():
                    shutil.rmtree(final)
        except (OSError, RuntimeError) as error:
            raise _unwritten(error) from error
        self._prune(epoch, best_epoch)
        return final

    def _refuse_if_superseded(self) -> None:
        newest = max((attempt for _, attempt, _ in checkpoints_in(self.root)), default=0)
        if newest > self.attempt:
            raise StateError(
                f"attempt {newest} has taken over from attempt {self.attempt}", where=str(self.root)
            )

    def _prune(self, epoch: int, best_epoch: int) -> None:
        """Keep the last two epochs and the best, each as its newest attempt left it.

        What an attempt that was lost wrote of this epoch or a later one counts for nothing: the record
        goes on from the epoch before, whose checkpoint it must not push out.
        """
        checkpoints = sorted(checkpoints_in(self.root))
        newest = {each: path for each, _, path in checkpoints if each <= epoch}
        recent = [each for each in sorted(newest) if can_train_on(newest[each])][-2:]
        kept = {newest[each] for each in (*recent, best_epoch) if each in newest}
        for each, _, path in checkpoints:
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)
            elif each not in recent:
                (path / REST).unlink(missing_ok=True)


def _write_state(folder: Path, state: Mapping[str, Any], *, epoch: int, trial_key: str, attempt: int) -> None:
    rest = {name: value for name, value in state.items() if name in TRAINING_ONLY}
    sha256 = _write(folder / STATE, {name: value for name, value in state.items() if name not in rest})
    rest_sha256 = LEFT_OUT if rest else ""
    if rest.get("optimizer") is not None:
        rest_sha256 = _write(folder / REST, rest)
    size = (folder / STATE).stat().st_size
    manifest = Manifest(epoch, trial_key, attempt, sha256, size, rest=rest_sha256)
    write_atomically(folder / MANIFEST, json.dumps(asdict(manifest), indent=1))


def _write(path: Path, state: Mapping[str, Any]) -> str:
    with writing(path) as file:
        digesting = _Digesting(file)
        torch.save(dict(state), cast("IO[bytes]", digesting))
    return digesting.sha256.hexdigest()


class _Digesting:
    """A stream that torch writes to, one piece after the other, and its digest: nothing is read again."""

    def __init__(self, file: IO[bytes]) -> None:
        self.sha256 = hashlib.sha256()
        self._file = file

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _unwritten(error: OSError | RuntimeError) -> OSError:
    """Return the disk's own error: where a write fails, torch fails once more while it closes the file."""
    if isinstance(error, OSError):
        return error
    cause = error.__context__
    return cause if isinstance(cause, OSError) else OSError(errno.EIO, str(error).splitlines()[0])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def can_train_on(checkpoint: Path) -> bool:
    """Whether a checkpoint still holds what training needs; what cannot be read is told when it is loaded."""
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text())
        return not manifest.get("rest") or (checkpoint / REST).is_file()
    except (OSError, ValueError, AttributeError):
        return True


def verify(checkpoint: Path) -> Manifest:
    """Return the manifest of a sound checkpoint; StateError says what is wrong with an unsound one."""
    try:
        fields = json.loads((checkpoint / MANIFEST).read_text())
        manifest = Manifest(**fields)
    except (OSError, ValueError, TypeError) as error:
        raise StateError(f"no checkpoint that can be read: {error}", where=str(checkpoint)) from error
    if manifest.version > VERSION:
        raise StateError(
            f"checkpoint of format {manifest.version}, this version reads up to {VERSION}",
            where=str(checkpoint),
            hint="upgrade sweeper",
        )
    path = checkpoint / STATE
    is_sound = path.is_file() and path.stat().st_size == manifest.size and _digest(path) == manifest.sha256
    if not is_sound or (manifest.rest and not _is_rest_sound(checkpoint, manifest)):
        raise StateError("damaged checkpoint: the state is not what the manifest says", where=str(checkpoint))
    return manifest


def _is_rest_sound(checkpoint: Path, manifest: Manifest) -> bool:
    path = checkpoint / REST
    return not path.exists() or _digest(path) == manifest.rest


def load(checkpoint: Path, device: torch.device) -> dict[str, Any]:
    """Return the verified state with its tensors on `device`, and what training needs where it is kept."""
    verify(checkpoint)
    files = [path for path in (checkpoint / STATE, checkpoint / REST) if path.is_file()]
    try:
        states = [torch.load(path, map_location=device, weights_only=True) for path in files]
    except (pickle.UnpicklingError, RuntimeError) as error:
        problem = f"a checkpoint may hold tensors and plain types only: {str(error).splitlines()[0]}"
        raise StateError(problem, where=str(checkpoint)) from error
    return {name: value for state in states for name, value in state.items()}


def load_newest(checkpoint: Path | None, root: Path | None, device: torch.device) -> dict[str, Any] | None:
    """Return the newest sound state that an attempt can go on from; None where there is none.

    `checkpoint` is the one that the record knows. A later one counts where it holds its `reports`: an
    earlier attempt wrote it, and was lost before the record was. LostCheckpoint where the record knows one
    and none can be read: epochs that were paid for are not trained again without a word.
    """
    known_epoch = epoch_of(checkpoint)
    problems = list[StateError]()
    for candidate in _candidates(checkpoint, root):
        try:
            state = load(candidate, device)
        except StateError as error:
            _log.warning("%s; going back to the one before", error)
            problems.append(error)
            continue
        if epoch_of(candidate) <= known_epoch or "reports" in state:
            return state
    if checkpoint is None:
        return None
    hint = "mount the sweep's folder on this node, or put the checkpoint back: the trial goes on from it"
    why = problems[0].problem if problems else "it is not of this trial"
    raise LostCheckpoint(f"{socket.gethostname()} cannot read it ({why})", where=str(checkpoint), hint=hint)


def _candidates(checkpoint: Path | None, root: Path | None) -> list[Path]:
    """Sort by epoch, the newest first; the record's own comes before those of other attempts."""
    folder = checkpoint.parent if checkpoint else root
    paths = [path for _, _, path in sorted(checkpoints_in(folder), reverse=True)] if folder else []
    paths = [path for path in paths if can_train_on(path)]
    known = [checkpoint] if checkpoint and can_train_on(checkpoint) else []
    others = [path for path in paths if path != checkpoint]
    return sorted([*known, *others], key=epoch_of, reverse=True)
