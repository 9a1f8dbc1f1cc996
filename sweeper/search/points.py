"""Points: configurations that the sweep file names, run before any searcher proposes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sweeper.parameter import Parameter
from sweeper.search.random import draw
from sweeper.space import Space
from sweeper.spec import POINT_LABELS
from sweeper.trial import Config, derive


def complete(point: Mapping[str, Any], space: Space, seed: int, number: int) -> Config:
    """The point as a whole configuration; what it leaves out is drawn from the space."""
    generator = np.random.default_rng(derive(seed, "point", number))
    named = _implied(
        {key: value for key, value in point.items() if key not in POINT_LABELS}, space, generator
    )

    def choose(name: str, parameter: Parameter) -> Any:
        return value_at(named, name) if name.partition(".")[0] in named else draw(parameter, generator)

    return space.sample(choose)


def _implied(named: dict[str, Any], space: Space, generator: np.random.Generator) -> dict[str, Any]:
    """With what the named values ask for: `filters: [16, 32]` means two layers."""
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
    """The value of `name`, where `filters.2` is the second item of the list `filters`."""
    if name in config:
        return config[name]
    key, _, position = name.rpartition(".")
    return config[key][int(position) - 1]
