"""Plug-ins: one decorated function each, whose keyword-only arguments are its options."""

import contextlib
import difflib
import functools
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from sweeper.errors import SpecError

F = TypeVar("F", bound=Callable[..., Any])


LISTED = 40
"""Names that a message lists at most."""


def nearest(name: str, names: Iterable[str]) -> str:
    """`did you mean 'x'?` for the closest of `names`, else the whole list of them."""
    known = sorted(names)
    if not known:
        return "there are none"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f", and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"expected one of {', '.join(known[:LISTED])}{more}"


class Registry(Generic[F]):
    """The plug-ins of one folder, by name.

    Importing a module of the folder registers what it defines. A name is looked for in the module
    of that name first, so that asking for `random` never loads what only `optuna` needs. What lies in a
    folder below (`parts`) registers nothing.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._plugins: dict[str, F] = {}
        self._is_complete = False

    def __call__(self, *names: str) -> Callable[[F], F]:
        """Decorator that registers a function under one or more names."""

        def register(function: F) -> F:
            for name in names:
                held = self._plugins.setdefault(name, function)
                if held is not function:
                    raise RuntimeError(f"two plug-ins of kind {self.kind} are called {name!r}")
            return function

        return register

    def __getitem__(self, name: str) -> F:
        """The plug-in of that name; SpecError with the nearest name where there is none."""
        if name not in self._plugins:
            self._import(name)
        if name not in self._plugins:
            self._discover()
        if name not in self._plugins:
            raise SpecError(f"no {self.kind} is called {name!r}", hint=nearest(name, self))
        return self._plugins[name]

    def __iter__(self) -> Iterator[str]:
        """Every name, sorted; loads the whole folder."""
        self._discover()
        return iter(sorted(self._plugins))

    def __contains__(self, name: object) -> bool:
        """Whether the name is registered."""
        return name in list(self)

    def options(self, name: str) -> Mapping[str, inspect.Parameter]:
        """The plug-in's keyword-only arguments: what a sweep file may say about it."""
        parameters = inspect.signature(self[name]).parameters.values()
        return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}

    def check(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options with their types enforced and defaults filled in; SpecError names the bad one."""
        known = self.options(name)
        for option in options:
            self._check_known(name, option)
        return self._validated(name, tuple(known), options)

    def check_option(self, name: str, option: str, value: object) -> object:
        """One option's value with its type enforced, whatever the others are."""
        self._check_known(name, option)
        return self._validated(name, (option,), {option: value})[option]

    def _check_known(self, name: str, option: str) -> None:
        known = self.options(name)
        if option not in known:
            hint = nearest(option, known) if known else "it has no options"
            raise SpecError(f"{self.kind} {name!r} has no option {option!r}", hint=hint)

    def _validated(self, name: str, known: tuple[str, ...], options: Mapping[str, Any]) -> dict[str, Any]:
        model = _options_model(self[name], known)
        with contextlib.suppress(ValidationError):
            return dict(model.model_validate(_whole(options)))
        try:
            return dict(model.model_validate(dict(options)))
        except ValidationError as error:
            raise first_problem(error, f"{self.kind} {name!r}") from error

    def _discover(self) -> None:
        if self._is_complete:
            return
        for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__):
            if not module.ispkg:
                self._import(module.name)
        self._is_complete = True

    def _import(self, name: str) -> None:
        package = importlib.import_module(self.package)
        if any(module.name == name and not module.ispkg for module in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"{self.package}.{name}")


def first_problem(error: ValidationError, part: str = "") -> SpecError:
    """The first of pydantic's complaints as ours: `layers: found 9, input should be less than ...`."""
    details = error.errors(include_url=False)[0]
    value, message = details["input"], details["msg"]
    close = nearest(value, choices(details)) if isinstance(value, str) else ""
    return SpecError(
        f"found {value!r}, {message[:1].lower()}{message[1:]}",
        hint=close if close.startswith("did you mean") else "",
        path=".".join(map(str, details["loc"])),
        part=part,
    )


def choices(details: ErrorDetails) -> list[str]:
    """What a `Literal` takes; nothing where the complaint is about anything else."""
    if details["type"] != "literal_error":
        return []
    return details.get("ctx", {})["expected"].replace("'", "").replace(" or ", ", ").split(", ")


def _whole(options: Mapping[str, Any]) -> dict[str, Any]:
    """`1e3` is a float to YAML and a whole number to whoever wrote it."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in options.items()
    }


@functools.cache
def _options_model(function: Callable[..., Any], known: tuple[str, ...]) -> type[BaseModel]:
    """As strict as the sweep file's own sections: `"8"` is text, and `true` is no number."""
    hints = typing.get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in known:
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hints[parameter.name], default)
    config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True, frozen=True
    )
    return create_model(f"{function.__name__}_options", __config__=config, **fields)
