"""Configurations as rows of numbers, many at a time: drawn, changed a little, and as a model sees them."""

import graphlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from sweeper.config.space import Constant, Parameter, Space
from sweeper.search.parts.encoding import distribution, encoded

ABSENT = -1.0
"""Stands in a row where a parameter does not exist; every value is from 0 to 1."""


Conditions = tuple[tuple[str, tuple[float, ...]], ...]
"""Labels of parents, each with the places on its axis at which it lets another exist."""


@dataclass(frozen=True)
class Axis:
    """One parameter, or one place of a list. It exists where each parent has one of the values named."""

    label: str
    spread: BaseDistribution
    when: Conditions = ()

    @property
    def levels(self) -> int | None:
        """How many values there are; None for a range without steps."""
        match self.spread:
            case CategoricalDistribution(choices=choices):
                return len(choices)
            case IntDistribution(low=low, high=high, step=step, log=False):
                return (high - low) // step + 1
            case FloatDistribution(low=low, high=high, step=float(step)):
                return round((high - low) / step) + 1
            case _:
                return None

    def place(self, value: Any) -> float:
        """Return where the value lies, 0 for the first or lowest and 1 for the last."""
        spread = self.spread
        if isinstance(spread, CategoricalDistribution):
            return spread.to_internal_repr(value) / max(1, len(spread.choices) - 1)
        assert isinstance(spread, IntDistribution | FloatDistribution)
        low, high, at = float(spread.low), float(spread.high), float(value)
        if spread.log:
            low, high, at = np.log(low), np.log(high), np.log(at)
        return float(np.clip((at - low) / (high - low), 0.0, 1.0)) if high > low else 0.0

    def value(self, place: float) -> Any:
        """Return the value that lies there, as Optuna names it."""
        spread = self.spread
        if isinstance(spread, CategoricalDistribution):
            return spread.choices[round(place * (len(spread.choices) - 1))]
        assert isinstance(spread, IntDistribution | FloatDistribution)
        low, high = float(spread.low), float(spread.high)
        at = (
            float(np.exp(np.log(low) + place * np.log(high / low)))
            if spread.log
            else low + place * (high - low)
        )
        if isinstance(spread, IntDistribution):
            return min(
                max(spread.low + spread.step * round((at - low) / spread.step), spread.low), spread.high
            )
        if spread.step is not None:
            at = low + spread.step * round((at - low) / spread.step)
        return min(max(at, low), high)


class Axes:
    """All axes of a space, parents before those that depend on them."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self._axes = list(axes)
        self._column = {axis.label: column for column, axis in enumerate(axes)}
        self._places: dict[tuple[int, Any], float] = {}

    @classmethod
    def of_space(cls, space: Space) -> "Axes":
        """The axes of a sweep's space, with its conditions."""
        found: dict[str, Axis] = {}
        graph = {name: parameter.parents for name, parameter in space.parameters.items()}
        for name in graphlib.TopologicalSorter(graph).static_order():
            parameter = space.parameters[name]
            when = _conditions(parameter, space, found)
            if isinstance(parameter, Constant) or when is None:
                continue
            spread = distribution(parameter)
            if parameter.per is None:
                found[name] = Axis(name, spread, when)
                continue
            counts = space.parameters[parameter.per]
            for block in range(1, int(max(counts.values)) + 1):
                enough = _condition(parameter.per, [n for n in counts.values if n >= block], space, found)
                if enough is not None:
                    found[f"{name}.{block}"] = Axis(f"{name}.{block}", spread, when + enough)
        return cls(list(found.values()))

    @classmethod
    def of_distributions(cls, distributions: Mapping[str, BaseDistribution]) -> "Axes":
        """The axes of a study in Optuna, which does not say when a parameter exists."""
        return cls([Axis(label, spread) for label, spread in distributions.items()])

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Each axis' distribution by its label."""
        return {axis.label: axis.spread for axis in self._axes}

    def rows(self, configs: Iterable[Mapping[str, Any]]) -> np.ndarray:
        """Return one row for each configuration, [n, axes]."""
        return np.array([self.row(config) for config in configs]).reshape(-1, len(self._axes))

    def row(self, config: Mapping[str, Any]) -> list[float]:
        """Return the place of each axis' value, `ABSENT` where the configuration has none."""
        row = [ABSENT] * len(self._axes)
        for label, value in config.items():
            column = self._column.get(label)
            if column is None:
                continue
            place = self._places.get((column, value))
            if place is None:
                place = self._places[column, value] = self._axes[column].place(value)
            row[column] = place
        return row

    def values(self, row: np.ndarray) -> dict[str, Any]:
        """Return the values of a row by label, without those that do not exist."""
        return {
            axis.label: axis.value(float(place))
            for axis, place in zip(self._axes, row, strict=True)
            if place != ABSENT
        }

    def drawn(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Return so many independent draws."""
        return self._settled(random.random((count, len(self._axes))))

    def near(self, centers: np.ndarray, width: float, random: np.random.Generator) -> np.ndarray:
        """Return a neighbor of each center.

        Each number moves a little; a choice is drawn anew with chance `width`.
        What did not exist at the center and does now is drawn.
        """
        drawn = random.random(centers.shape)
        moved = np.clip(centers + width * random.standard_normal(centers.shape), 0.0, 1.0)
        moved = np.where(
            self._is_choice, np.where(random.random(centers.shape) < width, drawn, centers), moved
        )
        return self._settled(np.where(centers == ABSENT, drawn, moved))

    def features(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows as a model sees them: numbers from 0 to 1, choices at distance 1 from each other.

        What does not exist lies in the middle of its range, and half-way from each choice.
        """
        columns: list[np.ndarray] = []
        for column, axis in enumerate(self._axes):
            place, exists = rows[:, column], rows[:, column] != ABSENT
            if not self._is_choice[column]:
                columns.append(np.where(exists, place, 0.5)[:, None])
                continue
            levels = axis.levels or 1
            chosen = np.rint(place * (levels - 1))[:, None] == np.arange(levels)[None, :]
            columns.append((chosen & exists[:, None]) * np.sqrt(0.5))
        return np.concatenate(columns, axis=1)

    @cached_property
    def _is_choice(self) -> np.ndarray:
        return np.array([isinstance(axis.spread, CategoricalDistribution) for axis in self._axes])

    def _settled(self, rows: np.ndarray) -> np.ndarray:
        """Put each place on its grid, and take out what its parents' values do not let exist."""
        rows = rows.copy()
        for column, axis in enumerate(self._axes):
            levels = axis.levels
            if levels == 1:
                rows[:, column] = 0.0
            elif levels is not None:
                floor = np.minimum(np.floor(rows[:, column] * levels), levels - 1)
                nearest = np.rint(rows[:, column] * (levels - 1))
                rows[:, column] = (floor if self._is_choice[column] else nearest) / (levels - 1)
            for parent, allowed in axis.when:
                above = rows[:, self._column[parent], None]
                rows[~(np.abs(above - np.array(allowed)) < 1e-9).any(axis=1), column] = ABSENT
        return rows


def _conditions(parameter: Parameter, space: Space, found: Mapping[str, Axis]) -> Conditions | None:
    """Return what its parents must be; None where it never exists."""
    conditions: Conditions = ()
    for parent, allowed in (parameter.when or {}).items():
        condition = _condition(parent, allowed, space, found)
        if condition is None:
            return None
        conditions += condition
    return conditions


def _condition(
    parent: str, allowed: Sequence[Any], space: Space, found: Mapping[str, Axis]
) -> Conditions | None:
    """Return where on its parent's axis it exists; None for nowhere.

    A constant parent has no axis, and nothing is left to ask.
    """
    above = space.parameters[parent]
    possible = [value for value in allowed if above.accepts(value)]
    if isinstance(above, Constant):
        return () if possible else None
    if parent not in found or not possible:
        return None
    return ((parent, tuple(found[parent].place(encoded(above, value)) for value in possible)),)
