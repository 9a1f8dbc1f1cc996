"""The space of configurations, with conditions between parameters, and the walk that makes one of choices."""

import graphlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from sweeper.config.parameter import Choice, Constant, FloatRange, IntRange, Parameter, Value, holds, is_same
from sweeper.errors import Mistakes, SpecError
from sweeper.registry import nearest
from sweeper.trial import Config, canonical

__all__ = [
    "Choice",
    "Chooser",
    "Constant",
    "FloatRange",
    "IntRange",
    "Parameter",
    "Space",
    "Value",
    "is_same",
]

MAX_BLOCKS = 1_000  # no network has more; a list that `per` makes is never longer
MAX_BRANCHES = 100_000  # combinations of conditions that `Space.size` counts through: about 0.3 s


class Chooser(Protocol):
    """Decides one value: a random generator, an Optuna trial, a listed point."""

    def __call__(self, name: str, parameter: Parameter, /) -> Value:
        """`name` is `filters.2` for the second of a list that `per` makes, else the parameter's own."""
        ...


class Space:
    """The parameters of a sweep with their conditions, checked once: a cycle is a SpecError."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self.parameters: Mapping[str, Parameter] = dict(parameters)
        mistakes = Mistakes()
        for name, parameter in self.parameters.items():
            with mistakes.collected():
                _check_parents(name, parameter, self.parameters)
        mistakes.refuse()
        self._order = _order(self.parameters)

    def sample(self, choose: Chooser) -> Config:
        """Make one configuration by a walk in dependency order that asks for each value that exists.

        Ranges are put on their grid, so equal choices give equal configurations.
        """
        chosen: dict[str, Value] = {}
        for name in self._order:
            parameter = self.parameters[name]
            if not _is_active(parameter, chosen):
                continue
            if parameter.per:
                labels = [f"{name}.{block + 1}" for block in range(chosen[parameter.per])]
                chosen[name] = [_choose(choose, label, parameter) for label in labels]
            else:
                chosen[name] = _choose(choose, name, parameter)
        return self._sorted(chosen)

    def contains(self, config: Config) -> bool:
        """Return whether `sample` could give it: every value is there, none too many, all possible."""
        try:
            self.check_whole(config)
        except SpecError:
            return False
        return True

    def check_whole(self, config: Config) -> None:
        """Refuse a configuration that `sample` could not give."""
        self.check(config)
        for name in self._order:
            if name not in config and _is_active(self.parameters[name], config):
                raise SpecError("a value is missing", path=name)

    def check(self, partial: Config) -> None:
        """Refuse every value that the space cannot give; what is left out is not missed."""
        mistakes = Mistakes()
        for name, value in partial.items():
            with mistakes.collected():
                self._check_one(name, value, partial)
        mistakes.refuse()

    def _check_one(self, name: str, value: Value, partial: Config) -> None:
        if name not in self.parameters:
            problem = f"no parameter is called {name!r}"
            raise SpecError(problem, path=name, hint=nearest(name, self.parameters))
        parameter = self.parameters[name]
        _check_value(name, parameter, value, partial)
        if all(parent in partial for parent in parameter.parents) and not _is_active(parameter, partial):
            raise SpecError(f"{name!r} exists only when {_conditions(parameter)}", path=name)

    def check_when(self, when: Mapping[str, Sequence[Value]], where: str) -> None:
        """Refuse a condition that no configuration can meet, or that names no parameter."""
        for parent, allowed in when.items():
            _check_condition(parent, allowed, "", f"{where}.{parent}", self.parameters)

    @cached_property
    def size(self) -> int | None:
        """Count the configurations; None for infinitely many, or too many branches to count."""
        if any(isinstance(p, FloatRange) and p.step is None for p in self.parameters.values()):
            return None
        parents = {parent for p in self.parameters.values() for parent in p.parents}
        branches = {name: self._branches(name) for name in self._order if name in parents}
        if math.prod(len(branch) for branch in branches.values()) > MAX_BRANCHES:
            return None
        leaves = [p for name, p in self.parameters.items() if name not in parents]
        return self._count(list(branches.items()), {}, leaves)

    def _count(
        self,
        branches: Sequence[tuple[str, Sequence[tuple[Value, int]]]],
        chosen: dict[str, Value],
        leaves: Sequence[Parameter],
    ) -> int:
        if not branches:
            return math.prod(_options(leaf, chosen) for leaf in leaves if _is_active(leaf, chosen))
        (name, branch), *rest = branches
        if not _is_active(self.parameters[name], chosen):
            return self._count(rest, chosen, leaves)
        return sum(times * self._count(rest, {**chosen, name: value}, leaves) for value, times in branch)

    def _branches(self, name: str) -> list[tuple[Value, int]]:
        """Return the values that decide about others, with how many values each stands for."""
        values = self.parameters[name].values
        if any(p.per == name for p in self.parameters.values()):
            return [(value, 1) for value in values]
        named = [v for p in self.parameters.values() for v in (p.when or {}).get(name, ())]
        distinct = [v for i, v in enumerate(named) if not any(is_same(v, n) for n in named[:i])]
        other = next((v for v in values if not any(is_same(v, n) for n in distinct)), None)
        rest = [(other, len(values) - len(distinct))] if len(values) > len(distinct) else []
        return [(value, 1) for value in distinct] + rest

    def grid(self) -> Iterator[Config]:
        """Yield every configuration; SpecError where a range is continuous."""
        for name, parameter in self.parameters.items():
            if isinstance(parameter, FloatRange) and parameter.step is None:
                raise SpecError(
                    "a continuous range has no grid", path=f"parameters.{name}", hint="give it a step: q"
                )
        return self._enumerate(_grid_values)

    def corners(self) -> Iterator[Config]:
        """Yield the extremes: all least values, all greatest, then every combination of extremes."""
        first = self.sample(lambda _, parameter: parameter.extremes()[0])
        last = self.sample(lambda _, parameter: parameter.extremes()[-1])
        seen: set[str] = set()
        for config in itertools.chain((first, last), self._enumerate(_corner_values)):
            key = canonical(config)
            if key not in seen:
                seen.add(key)
                yield config

    def _enumerate(self, values: Callable[[Parameter, Config], Iterable[Value]]) -> Iterator[Config]:
        def walk(names: Sequence[str], chosen: dict[str, Value]) -> Iterator[Config]:
            if not names:
                yield self._sorted(chosen)
                return
            parameter = self.parameters[names[0]]
            if not _is_active(parameter, chosen):
                yield from walk(names[1:], chosen)
                return
            for value in values(parameter, chosen):
                yield from walk(names[1:], {**chosen, names[0]: value})

        return walk(self._order, {})

    def _sorted(self, chosen: Config) -> Config:
        return {name: chosen[name] for name in self.parameters if name in chosen}


def _choose(choose: Chooser, label: str, parameter: Parameter) -> Value:
    return parameter.value if isinstance(parameter, Constant) else parameter.snap(choose(label, parameter))


def _is_active(parameter: Parameter, chosen: Config) -> bool:
    if parameter.per and parameter.per not in chosen:
        return False
    return holds(parameter.when or {}, chosen)


def _options(parameter: Parameter, chosen: Config) -> int:
    return len(parameter.values) ** (chosen[parameter.per] if parameter.per else 1)


def _grid_values(parameter: Parameter, chosen: Config) -> Iterable[Value]:
    if not parameter.per:
        return parameter.values
    return (list(values) for values in itertools.product(parameter.values, repeat=chosen[parameter.per]))


def _corner_values(parameter: Parameter, chosen: Config) -> Iterable[Value]:
    if not parameter.per:
        return parameter.extremes()
    return ([value] * chosen[parameter.per] for value in parameter.extremes())


def _conditions(parameter: Parameter) -> str:
    parts = [
        f"{n} is {' or '.join(str(v) for v in allowed)}" for n, allowed in (parameter.when or {}).items()
    ]
    return " and ".join([*parts, *([f"{parameter.per} does"] if parameter.per else [])])


def _check_value(name: str, parameter: Parameter, value: Value, partial: Config) -> None:
    if parameter.per and not isinstance(value, list):
        raise SpecError(f"found {value!r}, expected a list with a value per {parameter.per}", path=name)
    values: list[Value] = value if parameter.per else [value]
    for one in values:
        if not parameter.accepts(one):
            raise SpecError(f"found {one!r}, expected {parameter.describe()}", path=name)
    blocks = partial.get(parameter.per) if parameter.per else None
    if blocks is not None and len(values) != blocks:
        raise SpecError(f"found {len(values)} values, expected {blocks}: one per {parameter.per}", path=name)


def _check_parents(name: str, parameter: Parameter, known: Mapping[str, Parameter]) -> None:
    for parent, allowed in (parameter.when or {}).items():
        _check_condition(parent, allowed, name, f"parameters.{name}.when.{parent}", known)
    if parameter.per:
        _check_per(name, parameter.per, known)


def _check_condition(
    parent: str, allowed: Sequence[Value], name: str, where: str, known: Mapping[str, Parameter]
) -> None:
    _check_parent(parent, name, where, known)
    other = known[parent]
    if other.per:
        raise SpecError(f"{parent!r} is a list (per: {other.per}) and cannot be a condition", path=where)
    if isinstance(other, FloatRange) and other.step is None:
        raise SpecError(f"{parent!r} is a continuous range and cannot be a condition", path=where)
    for value in allowed:
        if not other.accepts(value):
            names = [str(v) for v in other.values] if isinstance(other, Choice) else []
            hint = nearest(str(value), names) if names else f"expected {other.describe()}"
            raise SpecError(f"{parent!r} is never {value!r}", path=where, hint=hint)


def _check_parent(parent: str, name: str, where: str, known: Mapping[str, Parameter]) -> None:
    if parent not in known:
        others = [other for other in known if other != name]
        hint = nearest(parent, others) if others else "there is no other parameter"
        raise SpecError(f"no parameter is called {parent!r}", path=where, hint=hint)


def _check_per(name: str, per: str, known: Mapping[str, Parameter]) -> None:
    where = f"parameters.{name}.per"
    _check_parent(per, name, where, known)
    parent = known[per]
    extremes = () if isinstance(parent, FloatRange) else parent.extremes()
    is_whole = all(isinstance(v, int) and not isinstance(v, bool) for v in extremes)
    if parent.per or not extremes or not is_whole:
        raise SpecError(
            f"{per!r} is not a whole number, so it cannot say how many values there are", path=where
        )
    if min(extremes) < 0 or max(extremes) > MAX_BLOCKS:
        raise SpecError(f"{per!r} must stay within 0 and {MAX_BLOCKS} to be the length of a list", path=where)


def _order(parameters: Mapping[str, Parameter]) -> tuple[str, ...]:
    graph = {name: parameter.parents for name, parameter in parameters.items()}
    try:
        return tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        ring: list[str] = error.args[1]
        problem = f"the conditions go in a circle: {' -> '.join(ring)}"
        raise SpecError(problem, path=f"parameters.{ring[0]}") from error
