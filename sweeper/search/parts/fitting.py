"""Fits a configuration from elsewhere into the space of a sweep: nearest values, and every change said."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from sweeper.config.space import Choice, Constant, FloatRange, IntRange, Parameter, Space, Value, is_same
from sweeper.search.random import draw
from sweeper.trial import Config
from sweeper.wording import value_text

ESSENCE = ("architecture", "backbone", "optimizer")
"""Names without which a configuration would be another one."""
BOUNDED = ("learning_rate", "layers")
NEAR = 2.0
"""The factor by which a value of these may lie outside the range."""
SIDE = "pixels"
"""Its value may be a share of the largest size that the space has."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A member as this sweep would run it; `unfit` says why it cannot, "" where it can.

    `changes` are the values that had to give way, `drawn` the parameters of which the member says nothing,
    and `left_out` those that the space does not have.
    """

    name: str
    config: Config
    unfit: str = ""
    changes: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def notes(self) -> Iterator[str]:
        """Say what became of the member, a line each."""
        if self.changes:
            yield f"changed: {', '.join(self.changes)}"
        if self.drawn:
            yield f"it says nothing of, drawn: {', '.join(self.drawn)}"
        if self.left_out:
            yield f"the space does not have: {', '.join(self.left_out)}"


def fit(
    name: str,
    member: Mapping[str, Value],
    space: Space,
    fixed: Mapping[str, Value],
    generator: np.random.Generator,
) -> Fitted:
    """Fit a member; `fixed` are the values that trials have of parameters which the space lacks."""
    wanted = _sized(member, space)
    if unfit := _unfit(wanted, space, fixed):
        return Fitted(name, {}, unfit)
    drawn: list[str] = []

    def choose(label: str, parameter: Parameter) -> Value:
        value = _wanted(wanted, label, parameter)
        found = None if value is None else nearest_value(parameter, value)
        if found is not None:
            return found
        if value is None and not isinstance(parameter, Constant):
            drawn.append(label.partition(".")[0])
        return draw(parameter, generator)

    config = space.sample(choose)
    changes = [
        f"{key} {value_text(wanted[key])} -> {value_text(value)}"
        for key, value in config.items()
        if key in wanted and not is_same(wanted[key], value)
    ]
    left_out = [
        key
        for key, value in wanted.items()
        if key not in config and key not in space.parameters and not is_same(fixed.get(key, ...), value)
    ]
    return Fitted(name, config, "", tuple(changes), tuple(dict.fromkeys(drawn)), tuple(left_out))


def nearest_value(parameter: Parameter, value: Value) -> Value | None:
    """Return the parameter's value that is nearest, by its logarithm where the range is logarithmic.

    None for a name, or a list, that is not among the values.
    """
    match parameter:
        case Constant():
            return parameter.value
        case Choice():
            return _among(parameter.values, value)
        case IntRange() | FloatRange():
            if not _is_number(value):
                return None
            step = parameter.step or 0.0
            around = (parameter.snap(value + step * way) for way in (-1, 0, 1))
            return min(around, key=lambda each: _distance(each, value, is_log=parameter.log))


def _among(values: Sequence[Value], value: Value) -> Value | None:
    if any(is_same(known, value) for known in values):
        return next(known for known in values if is_same(known, value))
    if not _is_number(value) or not all(map(_is_number, values)):
        return None
    is_log = min(*values, value) > 0
    return min(values, key=lambda each: _distance(each, value, is_log=is_log))


def _distance(one: float, other: float, *, is_log: bool) -> float:
    if is_log and min(one, other) > 0:
        return abs(math.log(one / other))
    return abs(one - other)


def _wanted(member: Mapping[str, Value], label: str, parameter: Parameter) -> Value | None:
    """What the member says of `filters.3`: its third, or its last where it has fewer; None for nothing.

    Where the space has one number for what the member has as a list, it is their geometric mean.
    """
    key, _, position = label.partition(".")
    value = member.get(key)
    if not isinstance(value, list) or not value:
        return value
    items = cast("list[Value]", value)
    if position:
        return items[min(int(position), len(items)) - 1]
    if isinstance(parameter, IntRange | FloatRange) or not any(
        isinstance(each, list) for each in parameter.values
    ):
        numbers = [each for each in items if _is_number(each) and each > 0]
        return math.exp(sum(map(math.log, numbers)) / len(numbers)) if len(numbers) == len(items) else None
    return items


def _sized(member: Mapping[str, Value], space: Space) -> dict[str, Value]:
    share, parameter = member.get(SIDE), space.parameters.get(SIDE)
    if parameter is None or not isinstance(share, float) or share > 1:
        return dict(member)
    largest = [each for each in parameter.extremes() if _is_number(each)]
    return {**member, SIDE: round(share * max(largest))} if largest else dict(member)


def _unfit(member: Mapping[str, Value], space: Space, fixed: Mapping[str, Value]) -> str:
    """Say why the member would be another one in this space; "" where it would not."""
    for name in ESSENCE:
        if name not in member:
            continue
        value, parameter = member[name], space.parameters.get(name)
        if parameter is None and name in fixed and not is_same(fixed[name], value):
            return f"{name} is {value_text(fixed[name])} here, not {value_text(value)}"
        if parameter is not None and not parameter.accepts(value):
            return f"{name} {value_text(value)} is not searched"
    for name in BOUNDED:
        parameter = space.parameters.get(name)
        if name in member and parameter is not None and (far := _far(name, parameter, member[name])):
            return far
    return ""


def _far(name: str, parameter: Parameter, value: Value) -> str:
    ends = [each for each in parameter.extremes() if _is_number(each)]
    if isinstance(parameter, Constant) or not ends or not _is_number(value):
        return ""
    low, high = min(ends), max(ends)
    if low / NEAR <= value <= high * NEAR:
        return ""
    return f"{name} {value_text(value)} is far from {value_text(low)} to {value_text(high)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
