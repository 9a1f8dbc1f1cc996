"""Parameters whose best values lie at the edge of what was searched, and what a wider range would be."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.config.parameter import Choice, Constant, FloatRange, IntRange, Parameter
from sweeper.trial import Config
from sweeper.wording import value_text

FEWEST = 10
"""Configurations with a score below which nothing is said."""
_OUTER = 0.1  # of a range: what counts as its edge
_BY_CHANCE = 0.05  # how probable it may be that values drawn anywhere all lie at one of the two ends


@dataclass(frozen=True, slots=True)
class Edge:
    """A parameter of which the best `count` configurations all have values at one end of its range.

    `low` and `high` bound those values. `wider` is the parameter with that end moved on, by half of the range
    on its own scale, or by one more value of the same progression. What is never negative stays so, whole
    numbers stay at 1 or more, and shares below 1, on a scale that is not
    logarithmic.
    """

    parameter: str
    is_upper: bool
    count: int
    low: float
    high: float
    wider: Parameter

    @property
    def beyond(self) -> float:
        """The new end of the range."""
        ends = [float(value) for value in self.wider.extremes()]
        return max(ends) if self.is_upper else min(ends)

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        side = "upper" if self.is_upper else "lower"
        return {"parameter": self.parameter, "edge": side, "best": self.count, "try": self.beyond}

    @property
    def said(self) -> str:
        """What was seen, in a sentence."""
        values = " to ".join(dict.fromkeys(value_text(value) for value in (self.low, self.high)))
        side = "greatest" if self.is_upper else "least"
        return f"{self.parameter}: the best {self.count} have the {side} values searched ({values})"


def edges(parameters: Mapping[str, Parameter], ranked: Sequence[Config]) -> list[Edge]:
    """Return the parameters whose best values lie at an edge; `ranked` has every configuration, best first.

    The best tenth is looked at, and at least four. Names without an order have no edge.
    """
    if len(ranked) < FEWEST:
        return []
    best = ranked[: max(4, len(ranked) // 10)]
    found: list[Edge] = []
    for name, parameter in parameters.items():
        values = [value for config in best if name in config for value in _flat(config[name])]
        holders = sum(name in config for config in best)
        if isinstance(parameter, Constant) or holders < 4 or not all(map(_is_number, values)):
            continue
        if (edge := _edge(name, parameter, values, holders)) is not None:
            found.append(edge)
    return found


def _edge(name: str, parameter: Parameter, values: Sequence[float], count: int) -> Edge | None:
    if len(parameter.extremes()) < 2 or not all(map(_is_number, parameter.extremes())):
        return None
    places = [_place(parameter, value) for value in values]
    if 2 * _outer_share(parameter) ** count > _BY_CHANCE:
        return None
    if min(places) >= 1 - _OUTER:
        is_upper = True
    elif max(places) <= _OUTER:
        is_upper = False
    else:
        return None
    wider = _widened(parameter, is_upper)
    return None if wider is None else Edge(name, is_upper, count, min(values), max(values), wider)


def _place(parameter: Parameter, value: float) -> float:
    """Return where the value lies in what was searched: 0 for the least, 1 for the greatest."""
    match parameter:
        case Choice(values=values):
            return sorted(values).index(value) / (len(values) - 1)
        case IntRange(low=low, high=high, log=True) | FloatRange(low=low, high=high, log=True):
            return math.log(value / low) / math.log(high / low)
        case IntRange(low=low, high=high) | FloatRange(low=low, high=high):
            return (value - low) / (high - low)
        case _:
            raise AssertionError


def _outer_share(parameter: Parameter) -> float:
    """Return the share of draws from the whole range that would lie at one end."""
    if isinstance(parameter, FloatRange) and parameter.step is None:
        return _OUTER
    values = list(parameter.values)
    return sum(_place(parameter, value) >= 1 - _OUTER for value in values) / len(values)


def _widened(parameter: Parameter, is_upper: bool) -> Parameter | None:
    """Return the parameter with one end moved on; None where nothing lies beyond."""
    moved = _moved(parameter, is_upper)
    if moved is None:
        return None
    (least, most), (before, after) = _ends(parameter), _ends(moved)
    is_below = before < 0 <= least or (before < 1 <= least and isinstance(before, int))
    is_same = (before, after) == (least, most)
    is_no_share = after >= 1 > most and not getattr(parameter, "log", False)
    return None if is_same or is_below or is_no_share else moved


def _ends(parameter: Parameter) -> tuple[float, float]:
    values = parameter.extremes()
    return min(values), max(values)


def _moved(parameter: Parameter, is_upper: bool) -> Parameter | None:
    match parameter:
        case Choice(values=values):
            further = _next_of(sorted(values, reverse=not is_upper))
            return None if further is None else parameter.model_copy(update={"values": (*values, further)})
        case IntRange(low=low, high=high, step=step):
            steps = max(1, (high - low) // (2 * step)) * step
            moved = {"high": high + steps} if is_upper else {"low": low - steps}
        case FloatRange(low=low, high=high, log=True):
            factor = math.sqrt(high / low)
            moved = {"high": _round(high * factor)} if is_upper else {"low": _round(low / factor)}
        case FloatRange(low=low, high=high, step=step):
            span = _span(low, high, is_upper)
            if step is not None:
                span = max(1, math.floor(span / step + 1e-9)) * step
            moved = {"high": _round(high + span)} if is_upper else {"low": _round(low - span)}
        case _:
            return None
    return parameter.model_copy(update=moved)


def _span(low: float, high: float, is_upper: bool) -> float:
    """Return half of the range; where that would leave what is a share, half of what is left."""
    span = (high - low) / 2
    if is_upper:
        return (1 - high) / 2 if high < 1 <= high + span else span
    return low if low >= 0 > low - span else span


def _next_of(values: Sequence[float]) -> float | None:
    """Continue the progression: by its last ratio where all are equal, else by its last difference."""
    *_, before, last = values
    ratios = {round(b / a, 6) for a, b in itertools.pairwise(values) if a}
    further = last * last / before if len(ratios) == 1 and before and len(values) > 2 else 2 * last - before
    is_whole = all(isinstance(value, int) for value in values)
    if is_whole and further != int(further):
        return None
    return int(further) if is_whole else _round(further)


def _round(value: float) -> float:
    return float(f"{value:.3g}")


def _flat(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
