"""Where the weights of a trial's best epoch lie."""

from pathlib import Path

from sweeper.config.spec import SweepSpec
from sweeper.errors import StateError
from sweeper.store.history import TrialHistory
from sweeper.store.paths import SweepPaths
from sweeper.training.checkpoint import verify
from sweeper.training.checkpoint_names import checkpoint_after


def best_checkpoint(paths: SweepPaths, spec: SweepSpec, trial: TrialHistory) -> tuple[Path, int]:
    """Return the sound checkpoint of the trial's best epoch, and that epoch.

    It is found where the sweep's folder has moved, too.
    """
    who = f"trial {trial.number} of {paths.name}"
    best = trial.best(spec.objective.goal)
    if best is None or best.checkpoint is None:
        problem = f"{who} has no checkpoint: {trial.state}, {len(trial.reports)} epochs"
        raise StateError(problem, where=str(paths.root))
    named, beside = Path(best.checkpoint), paths.checkpoints / trial.id
    checkpoint = checkpoint_after(best.epoch, named.parent, beside)
    if checkpoint is None:
        hint = "it may lie on the machine that trained it, or the sweep's folder was cleaned"
        raise StateError(f"the checkpoint of {who} is gone", where=str(beside), hint=hint)
    manifest = verify(checkpoint)
    key = manifest.trial_key
    if key != trial.id:
        raise StateError(f"the checkpoint is of trial {key}, not of {trial.id}", where=str(checkpoint))
    return checkpoint, manifest.epoch
