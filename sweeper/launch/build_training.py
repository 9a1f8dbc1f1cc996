"""This module builds what trains a sweep's trials on whatever worker."""

import secrets

from sweeper.config.resources import ResourcesSpec
from sweeper.config.spec import SweepSpec
from sweeper.schedulers import scheduler
from sweeper.schedulers.parts.ladder import ladder_of
from sweeper.store.paths import SweepPaths, cache_root
from sweeper.training.checkpoint_writer import Saving
from sweeper.training.trial_workload import Training


def training_of(spec: SweepSpec, paths: SweepPaths, images: str, *, is_alone: bool) -> Training:
    """Build it with a mark of its own; a trial that is alone has the whole device.

    `images` is the digest of the images that the sweep began with.
    """
    return Training(
        spec.dataset,
        spec.train,
        spec.objective.metric,
        cache_root(),
        paths.checkpoints,
        ResourcesSpec() if is_alone else spec.resources,
        secrets.token_hex(8),
        images,
        _saving(spec),
        is_sized=spec.objective.is_sized,
    )


def _saving(spec: SweepSpec) -> Saving:
    """Let workers know the rungs and the target: there a trial may end, or go on elsewhere.

    A scheduler that judges after most epochs has none that stand out.
    """
    judge = scheduler[spec.scheduler.type](spec.objective.goal, spec.train.epochs, **spec.scheduler.options)
    rungs = [*ladder_of(judge)]
    target = spec.objective.target if spec.objective.mode == "target" else None
    if not rungs or len(rungs) * 2 > spec.train.epochs:
        return Saving(target=target)
    return Saving(tuple(rung.level for rung in rungs), target, rungs[0].resource)
