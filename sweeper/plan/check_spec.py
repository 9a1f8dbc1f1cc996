"""This module finds all that is wrong with a sweep file beyond its grammar, before an image is read."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sweeper.config.parameter import Choice, Parameter
from sweeper.config.spec import SweepSpec
from sweeper.errors import Mistakes, SpecError, together
from sweeper.plan.check_plugins import check_devices, check_end, check_plugins
from sweeper.search.parts.portfolio_start import started
from sweeper.search.points import configurations, has_points_only
from sweeper.search.random import draw
from sweeper.training.recipe import compose
from sweeper.trial import Config, derive

TRIES = 25
"""Draws of the other parameters before a value counts as one that no network can have."""


def check_spec(spec: SweepSpec) -> None:
    """Refuse what no launch could run, each with its line: plug-ins, parameters, a sweep without an end.

    A mistake that the file has without the overrides as well is said of the file.
    """
    mistakes = _mistakes(spec)
    if mistakes and (written := spec.as_written()) is not None:
        own = {(each.path, each.problem): each for each in _mistakes(written)}
        mistakes = [own.get((each.path, each.problem), each) for each in mistakes]
    if mistakes:
        raise together(mistakes)


def _mistakes(spec: SweepSpec) -> list[SpecError]:
    found = Mistakes()
    for check in (check_plugins, check_names, check_end, check_devices, started):
        with found.collected():
            check(spec)
    return list({each.path: each for each in reversed(list(found))}.values())[::-1]


def check_names(spec: SweepSpec) -> None:
    """Refuse every parameter that no part of the configuration knows, and every value that its part refuses.

    Looks at the points, and at a configuration for each value that a parameter lists; needs no images.
    """
    mistakes: dict[str, SpecError] = {}
    for path, config in _looked_at(spec):
        try:
            compose(config, spec.train)
        except SpecError as error:
            for each in error.each():
                name = each.path.partition(".")[0]
                known = f"parameters.{name}" if name in spec.parameters else path or "parameters"
                mistakes.setdefault(known, each.at(known, spec.where(known)))
    if mistakes:
        raise together(list(mistakes.values()))


def _looked_at(spec: SweepSpec) -> Iterator[tuple[str, Config]]:
    """Yield configurations to check, each with the place it comes from: "" for a draw."""
    if not has_points_only(spec):
        yield from (("", drawn(spec, number)) for number in range(TRIES))
        for name, parameter in spec.parameters.items():
            for value in parameter.values if isinstance(parameter, Choice) else parameter.extremes():
                held = (drawn(spec, number, {name: value}) for number in range(TRIES))
                config = next((config for config in held if name in config), None)
                if config is not None:
                    yield "", config
    yield from ((f"points.{number}", config) for number, config in enumerate(configurations(spec)))


def drawn(spec: SweepSpec, number: int, fixed: Config | None = None) -> Config:
    """Draw a configuration from the space by its number, with some values held where they are possible."""
    generator = np.random.default_rng(derive(spec.search.seed, "plan", number))
    held = fixed or {}

    def choose(name: str, parameter: Parameter) -> Any:
        drawn = draw(parameter, generator)
        return held.get(name.partition(".")[0], drawn)

    return spec.space.sample(choose)
