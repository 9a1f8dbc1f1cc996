"""All that is wrong with a sweep file beyond its grammar, found before an image is read."""

from typing import Any

import numpy as np

from sweeper.config.parameter import Parameter
from sweeper.config.spec import SweepSpec
from sweeper.errors import SpecError
from sweeper.plan.check_plugins import check_end, check_plugins
from sweeper.search.random import draw
from sweeper.training.recipe import compose
from sweeper.trial import Config, derive

TRIES = 25
"""Draws of the other parameters before a value counts as one that no network can have."""


def check_spec(spec: SweepSpec) -> None:
    """Refuse what no launch could run, each with its line: plug-ins, parameters, a sweep without an end."""
    check_plugins(spec)
    check_names(spec)
    check_end(spec)


def check_names(spec: SweepSpec) -> None:
    """SpecError, with its line, for a parameter that no part of the configuration knows.

    Looks at one drawn configuration for each value that a condition can name, so needs no images.
    """
    for number in range(TRIES):
        config = drawn(spec, number)
        try:
            compose(config, spec.train)
        except SpecError as error:
            name = error.path.partition(".")[0]
            path = f"parameters.{name}" if name in spec.parameters else "parameters"
            raise error.at(path, spec.where(path)) from error


def drawn(spec: SweepSpec, number: int, fixed: Config | None = None) -> Config:
    """A configuration drawn from the space by its number, with some values held where they are possible."""
    generator = np.random.default_rng(derive(spec.search.seed, "plan", number))
    held = fixed or {}

    def choose(name: str, parameter: Parameter) -> Any:
        drawn = draw(parameter, generator)
        return held.get(name.partition(".")[0], drawn)

    return spec.space.sample(choose)
