"""The training loop: a generator of reports. The caller decides when to stop."""

import contextlib
import functools
import logging
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, ParamSpec

import torch

from sweeper.data.batches import Data
from sweeper.errors import FailureKind, SpecError, SweeperError
from sweeper.registry import nearest
from sweeper.training.checkpoint import CheckpointFolder, load_newest
from sweeper.training.checkpoint_names import epoch_of, written
from sweeper.training.checkpoint_writer import CheckpointWriter, Saving
from sweeper.training.device import Graphs, compute_dtype, prepare
from sweeper.training.epoch import Epoch, Trained
from sweeper.training.learner import Learner
from sweeper.training.network_figures import FIGURES, network_figures
from sweeper.training.recipe import Recipe
from sweeper.trial import Report, Trial, derive

METRICS = (
    "train/loss", "valid/loss", "valid/top1", "valid/top5", "valid/balanced_top1",
    "images_per_second", "device_seconds", "gpu_hours", "epoch", "cpu_seconds", "core_wait_seconds",
    "checkpoint_seconds", "validation_seconds",
)  # fmt: skip
P = ParamSpec("P")
_log = logging.getLogger(__name__)
_EXPLODED = 1e4  # a mean cross-entropy that no network comes back from

Rows = list[dict[str, Any]]
"""The reports of all epochs so far, which a checkpoint keeps beside the weights."""

Stages = Generator[Report | Epoch, Trained | None]
"""An attempt: an epoch, which whoever drives it trains and sends back, then its report."""


class Diverged(SweeperError, ArithmeticError):
    """Says that the loss is no number any more, or has exploded; the epoch is in the message."""

    failure_kind: ClassVar[FailureKind] = FailureKind.DIVERGED


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a trial is, over all its attempts."""

    epoch: int = 0
    device_seconds: float = 0.0
    best_score: float | None = None
    best_epoch: int = 0

    def after(self, epoch: int, score: float, seconds: float, *, smaller_is_better: bool) -> "Progress":
        """Return the progress after one more epoch; the earlier of two equal scores stays the best."""
        best, best_epoch = self.best_score, self.best_epoch
        if best is None or (score < best if smaller_is_better else score > best):
            best, best_epoch = score, epoch
        return Progress(epoch, self.device_seconds + seconds, best, best_epoch)

    def is_finished(self, epochs: int, patience: int | None) -> bool:
        """Return whether all epochs are done, or `patience` of them brought nothing better."""
        is_stale = patience is not None and self.epoch - self.best_epoch >= patience
        return self.epoch >= epochs or is_stale


def _alone(stages: Callable[P, Stages]) -> Callable[P, Iterator[Report]]:
    """Train each epoch as it comes, and give what is reported."""

    def drive(*args: P.args, **kwargs: P.kwargs) -> Iterator[Report]:
        with contextlib.closing(stages(*args, **kwargs)) as items:
            item = next(items, None)
            while item is not None:
                if isinstance(item, Epoch):
                    item = items.send(item.train())
                else:
                    yield item
                    item = next(items, None)

    return drive


def stages_of(
    trial: Trial,
    dataset: Data,
    recipe: Recipe,
    *,
    objective: str,
    device: torch.device,
    share: float = 1.0,
    threads: int = 1,
    checkpoints: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
    cache: Path | None = None,
    graphs: Graphs | None = None,
    saving: Saving | None = None,
    throughput: Callable[[int], float | None] | None = None,
    is_sized: bool = False,
) -> Stages:
    """Leave each epoch to whoever drives it, alone or with other trials, and yield a report after it.

    At a rung and at the end its checkpoint is on the disk before the report is. Between them `saving` says
    how often one is written, and a thread may do it (`CheckpointWriter`); whoever closes the generator waits
    for that of the last report. Training goes on from `trial.checkpoint`, or the latest sound one, to the
    same numbers as a trial that ran through (to the last bit on a CPU). Later epochs that an earlier attempt
    saved, but was lost before it could report, are reported at once instead of trained again; epochs up to
    `trial.epoch` that were reported and not saved are trained and not reported. `checkpoints` is the sweep's
    folder; the trial's own is made below it. With a `cache` folder, trials with the same frozen backbone and
    no augmentation share its features, which the first of them computes (billed, but not among its device
    seconds). `graphs` replay the step; a GPU has its own. `throughput` stands in for measuring
    the device where the batch is `auto`. With `is_sized` each report says what the network takes, measured
    after the first epoch. Raises `Diverged`.
    """
    if objective not in METRICS:
        raise SpecError(f"objective.metric: no trial reports {objective!r}", hint=nearest(objective, METRICS))
    prepare(device, threads)
    folder = CheckpointFolder(checkpoints / trial.id, trial.id, trial.attempt) if checkpoints else None
    given = {"seed": trial.seed, "device": device, "cache": cache, "graphs": graphs, "throughput": throughput}
    build = functools.partial(Learner.build, recipe, dataset, **given)
    learner, progress, rows = _begin(build, trial, folder, device)
    if learner.must_be_fitted and not progress.epoch:
        began = clock()
        learner.fit(derive(trial.seed, "fit"))
        progress = Progress(device_seconds=(clock() - began) * share)
    yield from _unreported(trial, folder, rows)
    writer = _writer(folder, saving or Saving(), progress)
    run = _Run(trial, recipe, objective, learner, clock, share, writer, dataset.shape if is_sized else None)
    try:
        yield from run.reports(progress, rows)
    finally:
        if writer is not None:
            writer.close()


train = _alone(stages_of)
"""One trial by itself: it yields one report an epoch."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt at one trial, from where it stands to its end."""

    trial: Trial
    recipe: Recipe
    objective: str
    learner: Learner
    clock: Callable[[], float]
    share: float
    writer: CheckpointWriter | None
    shape: tuple[int, int, int] | None

    def reports(self, progress: Progress, rows: Rows) -> Stages:
        """Train and report; an attempt that is left between two epochs saves the one that it is at."""
        known = _known_epoch(self.trial)
        if progress.epoch < known:
            _log.warning(
                "epochs %d to %d are trained again: no checkpoint has them", progress.epoch + 1, known
            )
        progress = _as_recorded(progress, self.trial)
        while not self._is_finished(progress):
            progress = yield from self._epoch(progress, rows)
            if progress.epoch <= known:
                progress = _as_recorded(progress, self.trial)
                continue
            newest = self.writer.newest if self.writer else None
            try:
                yield Report(**rows[-1], checkpoint=str(newest) if newest else None)
            except GeneratorExit:
                if self.writer is not None:
                    state = self._state(progress, rows)
                    self.writer.save_last(state, progress.epoch, progress.best_epoch)
                raise

    def _is_finished(self, progress: Progress) -> bool:
        return progress.is_finished(self.recipe.train.epochs, self.recipe.train.patience)

    def _epoch(self, before: Progress, rows: Rows) -> Generator[Epoch, Trained | None, Progress]:
        """Have one epoch more trained and validated, save it, and add its row."""
        epoch = before.epoch + 1
        trained = yield Epoch(self.learner, self.recipe, self.trial.seed, epoch, self.clock)
        if trained is None:
            raise RuntimeError("whoever drives an attempt sends what an epoch gave")
        metrics = {**trained.metrics, "epoch": epoch}
        _refuse_divergence(metrics, epoch)
        metrics |= self._figures(rows)
        ended, seconds = self.clock(), trained.seconds * self.share
        row = _row(self.objective, metrics, before.device_seconds + seconds)
        is_less = is_minimized(self.objective)
        progress = before.after(epoch, row["score"], seconds, smaller_is_better=is_less)
        rows.append(row)
        if self.writer is None:
            return progress
        saving = self.writer.saving
        is_needed = (
            self._is_finished(progress)
            or saving.is_rung(epoch, before.device_seconds, progress.device_seconds)
            or saving.reaches_target(row["score"], smaller_is_better=is_less)
        )
        state = self._state(progress, rows)
        self.writer.save(state, epoch, progress.best_epoch, is_needed=is_needed, seconds=trained.seconds)
        saved = self.clock() - ended
        progress = replace(progress, device_seconds=progress.device_seconds + saved * self.share)
        rows[-1] = _row(self.objective, metrics, progress.device_seconds, saved)
        return progress

    def _figures(self, rows: Rows) -> dict[str, float]:
        """Return what the network takes, where that is asked for; it is measured once."""
        if self.shape is None:
            return {}
        known = rows[-1]["metrics"] if rows else {}
        if known.keys() >= set(FIGURES):
            return {name: known[name] for name in FIGURES}
        learner = self.learner
        module = learner.averaged.whole if learner.averaged else learner.whole
        dtype = compute_dtype(self.recipe.train, learner.device)
        return network_figures(module, self.shape, device=learner.device, dtype=dtype)

    def _state(self, progress: Progress, rows: Rows) -> Callable[[], dict[str, Any]]:
        now = list(rows)
        return lambda: {**self.learner.state(), "progress": asdict(progress), "reports": now}


def _row(
    objective: str, metrics: dict[str, float], device_seconds: float, saving: float = 0.0
) -> dict[str, Any]:
    """Return what a report says, but for its checkpoint, for which training waited so many seconds."""
    spent = {
        "device_seconds": device_seconds,
        "gpu_hours": device_seconds / 3600,
        "checkpoint_seconds": saving,
    }
    measured = metrics | spent
    return {
        "epoch": int(metrics["epoch"]),
        "score": measured[objective],
        "device_seconds": device_seconds,
        "metrics": measured,
    }


def _as_recorded(progress: Progress, trial: Trial) -> Progress:
    """Go on from the seconds that the record knows: the last checkpoint's own are not in it."""
    if progress.epoch != _known_epoch(trial):
        return progress
    return replace(progress, device_seconds=max(progress.device_seconds, trial.device_seconds))


def _writer(folder: CheckpointFolder | None, saving: Saving, progress: Progress) -> CheckpointWriter | None:
    if folder is None:
        return None
    return CheckpointWriter(folder, saving, written(folder.root).get(progress.epoch), progress.epoch)


def _known_epoch(trial: Trial) -> int:
    """Return the last epoch that the record knows."""
    return max(trial.epoch, epoch_of(Path(trial.checkpoint)) if trial.checkpoint else 0)


def is_minimized(metric: str) -> bool:
    """Return whether less is better, as for losses and costs."""
    return metric.endswith("loss") or metric in ("device_seconds", "gpu_hours")


def _refuse_divergence(metrics: dict[str, float], epoch: int) -> None:
    for name in ("train/loss", "valid/loss"):
        loss = metrics[name]
        if not math.isfinite(loss) or loss > _EXPLODED:
            raise Diverged(
                f"{name} is {loss:.4g} after epoch {epoch}", hint="a lower learning rate or `clip_norm: 1.0`"
            )


def _begin(
    build: Callable[..., Learner], trial: Trial, folder: CheckpointFolder | None, device: torch.device
) -> tuple[Learner, Progress, Rows]:
    known = Path(trial.checkpoint) if trial.checkpoint else None
    state = load_newest(known, folder.root if folder else None, device)
    if state is None:
        return build(), Progress(), []
    learner = build(batch_size=state["batch_size"], rate=state.get("learning_rate"))
    learner.load_state(state)
    return learner, Progress(**state["progress"]), list(state.get("reports", []))


def _unreported(trial: Trial, folder: CheckpointFolder | None, rows: Rows) -> Iterator[Report]:
    """Yield the reports after the checkpoint that the record knows; old checkpoints may be pruned by now."""
    known_epoch = _known_epoch(trial)
    kept = written(folder.root) if folder else {}
    for row in rows:
        if row["epoch"] > known_epoch:
            saved = kept.get(row["epoch"])
            yield Report(**row, checkpoint=str(saved) if saved else None)
