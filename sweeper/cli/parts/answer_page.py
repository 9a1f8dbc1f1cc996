"""A sweep's answer from its record, and its pictures. Without torch: what only reads is quick."""

import contextlib
import dataclasses
import json

from sweeper.files import write_atomically
from sweeper.results.answer import Answer, Places, answer
from sweeper.results.plots import anytime_svg, front_svg
from sweeper.results.published_comparison import Measure
from sweeper.results.stored_sweep import StoredSweep, next_commands
from sweeper.store.paths import SweepPaths
from sweeper.trackers.address import redacted, tracking_uri
from sweeper.trial import Config

WIDTH = 120
"""Columns where stdout is no terminal and nobody says how wide it is."""


def answer_of(told: StoredSweep) -> Answer:
    """The answer that the record gives now."""
    spec = told.spec
    places = Places(
        record=str(told.paths.record),
        tracking=redacted(tracking_uri(spec.tracking.uri, told.paths.mlflow)),
        experiment=spec.tracking.experiment or spec.name,
        commands=next_commands(told.ended, spec.name),
    )
    classes = len(json.loads(told.meta["classes"])) if "classes" in told.meta else None
    measure = _measure(told, classes)
    return answer(told.history, spec, classes=classes, places=places, measure=measure)


def _measure(told: StoredSweep, classes: int | None) -> Measure | None:
    """How to count parameters; None for a record that does not tell the shape of its images."""
    channels = told.meta.get("channels")
    if classes is None or channels is None:
        return None
    spec = told.spec

    def measure(config: Config) -> int:
        from sweeper.plan.plan import parameter_count  # imports torch

        return parameter_count(config, spec=spec, channels=int(channels), classes=classes)

    return measure


def drawn(answered: Answer, paths: SweepPaths) -> Answer:
    """The answer with its pictures drawn anew; without those that cannot be written or do not exist."""
    pictures = {paths.front: front_svg, paths.anytime: anytime_svg}
    if answered.best:
        with contextlib.suppress(OSError):
            for path, draw in pictures.items():
                write_atomically(path, draw(answered))
    there = tuple(str(path) for path in pictures if path.exists())
    return dataclasses.replace(answered, places=dataclasses.replace(answered.places, pictures=there))
