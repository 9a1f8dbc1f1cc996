"""This module translates configurations for Optuna, a value and a distribution for each label, and back."""

import json
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection

from sweeper.config.space import Choice, Constant, FloatRange, IntRange, Parameter, Space, is_same
from sweeper.search.points import value_at
from sweeper.trial import Config, Goal


def labels(parameter: Choice) -> list[Any]:
    """Return a choice's values as a sampler may have them.

    All as JSON where two would look alike, as 1 and true.
    """
    texts = [json.dumps(value) for value in parameter.values]
    plain = [t if isinstance(v, list) else v for v, t in zip(parameter.values, texts, strict=True)]
    return plain if len(set(plain)) == len(plain) else texts


def encoded(parameter: Parameter, value: Any) -> Any:
    """Return the value as the sampler names it."""
    if not isinstance(parameter, Choice):
        return value
    place = next(place for place, known in enumerate(parameter.values) if is_same(known, value))
    return labels(parameter)[place]


def decoded(parameter: Choice | IntRange | FloatRange, value: Any) -> Any:
    """Return the sampler's value as the sweep file writes it."""
    if not isinstance(parameter, Choice):
        return round(value, 12) if isinstance(parameter, FloatRange) and parameter.step else value
    return parameter.values[labels(parameter).index(value)]


def flattened(space: Space, config: Config) -> dict[str, tuple[Choice | IntRange | FloatRange, Any]]:
    """Return parameter and encoded value by label (`filters.2`: the second of a list), without constants."""
    found: dict[str, tuple[Choice | IntRange | FloatRange, Any]] = {}

    def note(name: str, parameter: Parameter) -> Any:
        value = value_at(config, name)
        if not isinstance(parameter, Constant):
            found[name] = parameter, encoded(parameter, value)
        return value

    space.sample(note)
    return found


def suggested(trial: optuna.Trial, name: str, parameter: Parameter) -> Any:
    """Return what the trial's sampler draws for the parameter, as the sweep file writes it."""
    if isinstance(parameter, Constant):
        return parameter.value
    match of := distribution(parameter):
        case CategoricalDistribution():
            value = trial.suggest_categorical(name, of.choices)
        case IntDistribution(low=low, high=high, step=step, log=log):
            value = trial.suggest_int(name, low, high, step=step, log=log)
        case FloatDistribution(low=low, high=high, step=step, log=log):
            value = trial.suggest_float(name, low, high, step=step, log=log)
        case _:
            raise AssertionError
    return decoded(parameter, value)


def distribution(parameter: Choice | IntRange | FloatRange) -> BaseDistribution:
    """Return the parameter's range as an Optuna distribution.

    Optuna takes no step on a logarithmic range: `Space.sample` puts the value on its grid.
    """
    match parameter:
        case Choice():
            return CategoricalDistribution(labels(parameter))
        case IntRange():
            step = 1 if parameter.log else parameter.step
            return IntDistribution(parameter.low, parameter.high, step=step, log=parameter.log)
        case FloatRange():
            step = None if parameter.log else parameter.step
            return FloatDistribution(parameter.low, parameter.high, step=step, log=parameter.log)


def directions_of(goal: Goal, *, counts_cost: bool) -> list[StudyDirection]:
    """Return the direction of the score, and of the cost where the study has it as a second objective."""
    score = StudyDirection.MAXIMIZE if goal is Goal.MAXIMIZE else StudyDirection.MINIMIZE
    return [score, StudyDirection.MINIMIZE] if counts_cost else [score]
