"""Points are configurations that the sweep file names. They run before any search proposes, or alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sweeper.config.parameter import Parameter
from sweeper.config.space import Space
from sweeper.config.spec import POINT_LABELS, SweepSpec
from sweeper.search import searcher
from sweeper.search.random import draw
from sweeper.trial import Config, Goal, State, derive


class Points:
    """Proposes nothing, so the sweep ends with the last of its points."""

    def suggest(self, number: int) -> Config | None:
        """Return None, whatever has been reached."""
        return None

    def register(self, number: int, config: Config) -> None:
        """Nothing to learn."""

    def on_report(self, number: int, epoch: int, score: float) -> None:
        """Nothing to learn."""

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Nothing to learn."""


@searcher("points")
def points(space: Space, goal: Goal, seed: int) -> Points:
    """The points of the sweep file and nothing else: how a study is repeated."""
    return Points()


def has_points_only(spec: SweepSpec) -> bool:
    """Say whether the sweep runs its points and nothing else."""
    return spec.search.algorithm == "points"


def configurations(spec: SweepSpec) -> list[Config]:
    """Yield the points as whole configurations, in the order of the sweep file."""
    return [complete(point, spec.space, spec.search.seed, n) for n, point in enumerate(spec.points)]


def complete(point: Mapping[str, Any], space: Space, seed: int, number: int) -> Config:
    """Return the point as a whole configuration; what it leaves out is drawn from the space."""
    generator = np.random.default_rng(derive(seed, "point", number))
    named = _implied(
        {key: value for key, value in point.items() if key not in POINT_LABELS}, space, generator
    )

    def choose(name: str, parameter: Parameter) -> Any:
        return value_at(named, name) if name.partition(".")[0] in named else draw(parameter, generator)

    return space.sample(choose)


def _implied(named: dict[str, Any], space: Space, generator: np.random.Generator) -> dict[str, Any]:
    """Add what the named values imply: `filters: [16, 32]` means two layers."""
    unseen = list(named)
    while unseen:
        name = unseen.pop()
        parameter = space.parameters[name]
        wanted = {
            parent: allowed[int(generator.integers(len(allowed)))]
            for parent, allowed in (parameter.when or {}).items()
        }
        if parameter.per:
            wanted[parameter.per] = len(named[name])
        missing = {parent: value for parent, value in wanted.items() if parent not in named}
        named |= missing
        unseen += missing
    return named


def value_at(config: Config, name: str) -> Any:
    """Return the value of `name`, where `filters.2` is the second item of the list `filters`."""
    if name in config:
        return config[name]
    key, _, position = name.rpartition(".")
    return config[key][int(position) - 1]
