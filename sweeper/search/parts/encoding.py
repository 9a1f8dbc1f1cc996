"""This translates a configuration for a sampler, one plain value for each label, and back."""

import json
from typing import Any

from sweeper.config.space import Choice, Constant, FloatRange, IntRange, Parameter, Space, is_same
from sweeper.search.points import value_at
from sweeper.trial import Config


def labels(parameter: Choice) -> list[Any]:
    """A choice's values as a sampler may have them; all as JSON where two would look alike, as 1 and true."""
    texts = [json.dumps(value) for value in parameter.values]
    plain = [t if isinstance(v, list) else v for v, t in zip(parameter.values, texts, strict=True)]
    return plain if len(set(plain)) == len(plain) else texts


def encoded(parameter: Parameter, value: Any) -> Any:
    """The value as the sampler names it."""
    if not isinstance(parameter, Choice):
        return value
    place = next(place for place, known in enumerate(parameter.values) if is_same(known, value))
    return labels(parameter)[place]


def decoded(parameter: Choice | IntRange | FloatRange, value: Any) -> Any:
    """The sampler's value as the sweep file writes it."""
    if not isinstance(parameter, Choice):
        return round(value, 12) if isinstance(parameter, FloatRange) and parameter.step else value
    return parameter.values[labels(parameter).index(value)]


def flattened(space: Space, config: Config) -> dict[str, tuple[Choice | IntRange | FloatRange, Any]]:
    """Parameter and encoded value by label, `filters.2` for the second of a list; constants left out."""
    found: dict[str, tuple[Choice | IntRange | FloatRange, Any]] = {}

    def note(name: str, parameter: Parameter) -> Any:
        value = value_at(config, name)
        if not isinstance(parameter, Constant):
            found[name] = parameter, encoded(parameter, value)
        return value

    space.sample(note)
    return found
