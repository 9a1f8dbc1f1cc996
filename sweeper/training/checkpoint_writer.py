"""When checkpoints are written: at once where a decision needs them, else by a thread from a copy."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from sweeper.errors import SweeperError
from sweeper.training.checkpoint import TRAINING_ONLY, CheckpointFolder

State = Mapping[str, Any]
_Best = tuple[int, State] | None

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Saving:
    """How often checkpoints are written, where the scheduler's rungs lie, and which score ends a trial.

    Training waits for a checkpoint that takes at most `at_once` of its epoch. One that takes longer is
    written by a thread, so often that the thread is busy for at most `behind` of the time.
    """

    rungs: tuple[float, ...] = ()
    target: float | None = None
    resource: Literal["epoch", "device_seconds"] = "epoch"
    at_once: float = 0.01
    behind: float = 0.02

    def reaches_target(self, score: float, *, smaller_is_better: bool) -> bool:
        """Whether the sweep stops a trial at this score."""
        if self.target is None:
            return False
        return score <= self.target if smaller_is_better else score >= self.target

    def is_rung(self, epoch: int, before: float, after: float) -> bool:
        """Whether an epoch that began and ended at so many device-seconds comes to a rung."""
        begin, end = (epoch - 1.0, float(epoch)) if self.resource == "epoch" else (before, after)
        return any(begin < rung <= end for rung in self.rungs)


@dataclass(slots=True)
class CheckpointWriter:
    """Writes the checkpoints of one attempt; one at a time is behind.

    `newest` is the last one known to be on the disk, `epoch` that of the last one begun. What fails on the
    thread is raised by the next call, and said where no call follows.
    """

    folder: CheckpointFolder
    saving: Saving
    newest: Path | None = None
    epoch: int = 0
    _took: float = math.inf
    _at: float = field(default_factory=time.monotonic)
    _best: _Best = None
    _behind: Future[tuple[Path, float]] | None = None
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
    )

    def save(
        self, state: Callable[[], State], epoch: int, best_epoch: int, *, is_needed: bool, seconds: float
    ) -> None:
        """Write the state after an epoch that took so many seconds, now, later or not at all.

        The first checkpoint of an attempt, one that a decision needs and a quick one are on the disk
        afterwards. The best epoch's weights are written with the next epoch that is saved.
        """
        self._collect(wait=False)
        if is_needed or math.isinf(self._took) or self._took <= self.saving.at_once * seconds:
            self._write_now(state, epoch, best_epoch)
        elif self._took <= self.saving.behind * (time.monotonic() - self._at):
            self._collect(wait=True)
            best = self._begin(epoch, best_epoch)
            self._behind = self._thread.submit(self._write, copied(state()), epoch, best_epoch, best)
        elif epoch == best_epoch:
            weights = {name: value for name, value in state().items() if name not in TRAINING_ONLY}
            self._best = (epoch, copied({**weights, "optimizer": None}))

    def save_last(self, state: Callable[[], State], epoch: int, best_epoch: int) -> None:
        """Write the state at which an attempt is left, where that was not done.

        What fails is said, not raised: the trial then goes on from an earlier epoch.
        """
        try:
            if epoch != self.epoch:
                self._write_now(state, epoch, best_epoch)
        except (OSError, SweeperError) as error:
            _log.warning("no checkpoint of epoch %d, an earlier one stays: %s", epoch, error)

    def close(self) -> None:
        """Wait for the thread, write the best weights that are not on the disk, and end the thread."""
        try:
            self._collect(wait=True)
            if self._best:
                self.folder.save(self._best[1], epoch=self._best[0], best_epoch=self._best[0])
        except (OSError, SweeperError) as error:
            _log.warning("a checkpoint was not written, an earlier one stays: %s", error)
        finally:
            self._best = None
            self._thread.shutdown()

    def _write_now(self, state: Callable[[], State], epoch: int, best_epoch: int) -> None:
        self._collect(wait=True)
        best = self._begin(epoch, best_epoch)
        self.newest, self._took = self._write(state(), epoch, best_epoch, best)

    def _begin(self, epoch: int, best_epoch: int) -> _Best:
        """Note what is written now; return the best epoch's weights where they are not on the disk yet."""
        self.epoch, self._at = epoch, time.monotonic()
        best, self._best = self._best, None
        return best if best and best[0] == best_epoch else None

    def _collect(self, *, wait: bool) -> None:
        """Take over what the thread has written; raise what went wrong there."""
        if self._behind is not None and (wait or self._behind.done()):
            behind, self._behind = self._behind, None
            self.newest, self._took = behind.result()

    def _write(self, state: State, epoch: int, best_epoch: int, best: _Best) -> tuple[Path, float]:
        """Return the path and the seconds that it took; runs on either thread, and changes nothing here."""
        since = time.monotonic()
        if best:
            self.folder.save(best[1], epoch=best[0], best_epoch=best[0])
        path = self.folder.save(state, epoch=epoch, best_epoch=best_epoch)
        return path, time.monotonic() - since


def copied(value: Any) -> Any:
    """Return a state with its tensors copied to the host's memory: training changes the original."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {key: copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value
