"""Which trials can train as one: those of one kind. What differs beyond it is each trial's own."""

from dataclasses import dataclass

from sweeper.config.resources import ResourcesSpec
from sweeper.config.sections import TrainSpec
from sweeper.training.recipe import Recipe, can_share, compose
from sweeper.trial import Config, canonical

_DROPPED = ("dropout", "head_dropout")
"""Options of a network by which trials may differ that train as one: what is dropped, and how much."""


@dataclass(frozen=True, slots=True)
class PackKind:
    """`name` is what trials that train together have in common; empty for one that is `alone`, and why."""

    name: str = ""
    alone: str = ""


def kind_of(config: Config, train: TrainSpec, resources: ResourcesSpec) -> PackKind:
    """Look at all that a pack computes in one for its trials."""
    recipe = compose(config, train)
    if why := _why_alone(recipe):
        return PackKind(alone=why)
    options = {name: value for name, value in recipe.model_options.items() if name not in _DROPPED}
    same = (recipe.train.batch_size, recipe.train.precision, recipe.pixels)
    images = (recipe.normalization, canonical(recipe.normalization_options))
    held = resources.of(config).model_dump_json()
    parts = (recipe.architecture, canonical(options), *same, *images, held)
    return PackKind("|".join(map(str, parts)))


def _why_alone(recipe: Recipe) -> str:
    if recipe.train.compile:
        return "compile: true"
    if recipe.train.batch_size == "auto":
        return "batch_size: auto"
    if recipe.train.progressive < 1:
        return "progressive"
    return "cached features of a frozen backbone" if can_share(recipe) else ""
