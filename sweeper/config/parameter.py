"""The four kinds of parameter: what values each may take, and which a corner or a grid holds."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sweeper.errors import SpecError

Value = Any  # what JSON knows: text, numbers, booleans, null, and lists of these


def _list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Condition = Annotated[
    list[Any],
    Field(min_length=1),
    BeforeValidator(
        _list, json_schema_input_type=Annotated[list[Any], Field(min_length=1)] | str | float | bool
    ),
]
"""The values under which a `when` holds; a sweep file may write one alone, without the list."""


class Domain(BaseModel):
    """What the four kinds of parameter share.

    `when` maps another parameter's name to the values under which this one exists; `per` names the
    integer parameter that says how many values this one has, as a list.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    when: Mapping[str, Sequence[Value]] | None = None
    per: str | None = None

    @property
    def parents(self) -> tuple[str, ...]:
        """The parameters that must be decided before this one."""
        return (*(self.when or {}), *((self.per,) if self.per else ()))


class Constant(Domain):
    """One value; no chooser is asked."""

    value: Value

    @property
    def values(self) -> Sequence[Value]:
        """The value, alone."""
        return (self.value,)

    def accepts(self, value: Value) -> bool:
        """Say whether it is the value."""
        return is_same(value, self.value)

    def snap(self, value: Value) -> Value:
        """Return the value itself, whatever was chosen."""
        return self.value

    def extremes(self) -> Sequence[Value]:
        """The value, alone."""
        return (self.value,)

    def describe(self) -> str:
        """Return `exactly 3`."""
        return f"exactly {written(self.value)}"


class Choice(Domain):
    """One of a few values, without an order that a searcher may rely on."""

    values: tuple[Value, ...]

    def accepts(self, value: Value) -> bool:
        """Say whether it is one of the values; `true` is not `1`."""
        return any(is_same(value, known) for known in self.values)

    def snap(self, value: Value) -> Value:
        """Return the value as the sweep file writes it: a tuple becomes its list, 3.0 the 3."""
        listed = list(value) if isinstance(value, tuple) else value
        return next((known for known in self.values if is_same(listed, known)), listed)

    def extremes(self) -> Sequence[Value]:
        """Return least and greatest where all are numbers, else every value."""
        if all(_is_number(value) for value in self.values):
            return tuple(dict.fromkeys((min(self.values), max(self.values))))
        return self.values

    def describe(self) -> str:
        """Return `one of 16, 32, 64`."""
        return f"one of {', '.join(written(value) for value in self.values)}"


class IntRange(Domain):
    """Whole numbers from `low` to `high`, both included, every `step`."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    @property
    def values(self) -> Sequence[int]:
        """Yield every number."""
        return range(self.low, self.high + 1, self.step)

    def accepts(self, value: Value) -> bool:
        """Say whether it is a whole number of the range and on its grid."""
        return isinstance(value, int) and not isinstance(value, bool) and value in self.values

    def snap(self, value: Value) -> int:
        """Return the nearest number of the range, for a searcher that knows no steps."""
        steps = round((value - self.low) / self.step)
        return self.values[min(max(steps, 0), len(self.values) - 1)]

    def extremes(self) -> Sequence[int]:
        """Return first and last number."""
        return tuple(dict.fromkeys((self.values[0], self.values[-1])))

    def describe(self) -> str:
        """Return `a whole number from 1 to 5`."""
        every = f" in steps of {self.step}" if self.step != 1 else ""
        return f"a whole number from {self.low} to {self.high}{every}"


class FloatRange(Domain):
    """Numbers from `low` to `high`: all of them, or every `step`."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def values(self) -> Sequence[float]:
        """Return the grid's numbers; SpecError where the range is continuous."""
        if self.step is None:
            raise SpecError(
                f"a continuous range ({self.low:g} to {self.high:g}) has no grid", hint="give it a step: q"
            )
        return tuple(self._at(index) for index in range(self._steps + 1))

    @property
    def _steps(self) -> int:
        # 1e-9: 0.5 / 0.1 is 4.999999999999999 or 5, depending on how the numbers round
        return math.floor((self.high - self.low) / (self.step or 1.0) + 1e-9)

    def _at(self, index: int) -> float:
        # 12 significant digits: 0.1 * 3 reads 0.3, not 0.30000000000000004
        return float(f"{self.low + index * (self.step or 0.0):.12g}")

    def accepts(self, value: Value) -> bool:
        """Say whether it is a number of the range and, to rounding, on its grid."""
        if not _is_number(value) or not self.low <= value <= self.high:
            return False
        return self.step is None or math.isclose(self.snap(value), value, rel_tol=1e-9, abs_tol=1e-12)

    def snap(self, value: Value) -> float:
        """Return the nearest number of the range, on the grid where there is one."""
        if self.step is None:
            return float(min(max(value, self.low), self.high))
        steps = round((value - self.low) / self.step)
        return self._at(min(max(steps, 0), self._steps))

    def extremes(self) -> Sequence[float]:
        """Return first and last number."""
        last = self.high if self.step is None else self._at(self._steps)
        return tuple(dict.fromkeys((self.low, last)))

    def describe(self) -> str:
        """Return `a number from 0 to 0.5`."""
        every = f" in steps of {self.step:g}" if self.step is not None else ""
        return f"a number from {self.low:g} to {self.high:g}{every}"


Parameter = Constant | Choice | IntRange | FloatRange


def is_same(left: Value, right: Value) -> bool:
    """Compare two values so that `true` is not 1, and 3 is 3.0."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def holds(when: Mapping[str, Sequence[Value]], config: Mapping[str, Value]) -> bool:
    """Say whether each of these parameters exists in the configuration and has one of its values."""
    return all(n in config and any(is_same(config[n], v) for v in allowed) for n, allowed in when.items())


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def written(value: Value) -> str:
    """Return the value as a sweep file writes it: `true`, `none`, `[64, 32]`; null for nothing."""
    return value if isinstance(value, str) else json.dumps(value)
