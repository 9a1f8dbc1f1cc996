"""Plug-ins: one decorated function each, whose keyword-only arguments are its options."""

import contextlib
import difflib
import functools
import importlib
import inspect
import pkgutil
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from sweeper.counterparts import counterpart
from sweeper.errors import SpecError
from sweeper.signatures import declared

F = TypeVar("F", bound=Callable[..., Any])


LISTED = 40
"""Names that a message lists at most."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for another tool's word or the closest of `names`, else all of them."""
    known = sorted(names)
    if not known:
        return "there are none"
    ours = counterpart(name)
    if here := [each for each in (ours, ours.rpartition(".")[2]) if each in known]:
        return f"did you mean {here[0]!r}?"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not close and ours:
        return f"here that is {ours}"
    if close:
        return f"did you mean {close[0]!r}?"
    more = f", and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"expected one of {', '.join(known[:LISTED])}{more}"


class Registry(Generic[F]):
    """The plug-ins of one folder, by name.

    Importing a module of the folder registers what it defines. Names and options are read from the source,
    so that they are known without what only the building needs (torch, Optuna); a name is looked for in the
    module of that name first. What lies in a folder below (`parts`) registers nothing.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._plugins: dict[str, F] = {}
        self._declared: dict[str, tuple[str, Callable[..., Any]]] = {}
        self._read: set[str] = set()

    def __call__(self, *names: str) -> Callable[[F], F]:
        """Register the decorated function under one or more names."""

        def register(function: F) -> F:
            for name in names:
                held = self._plugins.setdefault(name, function)
                if held is not function:
                    raise RuntimeError(f"two plug-ins of kind {self.kind} are called {name!r}")
            return function

        return register

    def __getitem__(self, name: str) -> F:
        """Return the plug-in of that name; SpecError with the nearest name where there is none."""
        self._find(name)
        if name not in self._plugins:
            importlib.import_module(self._declared[name][0])
        return self._plugins[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over every name, sorted; a module that registers by decorators alone is not imported."""
        for module in self._modules():
            self._declare(module)
        return iter(sorted({*self._plugins, *self._declared}))

    def __contains__(self, name: object) -> bool:
        """Say whether the name is registered."""
        return name in list(self)

    def options(self, name: str) -> Mapping[str, inspect.Parameter]:
        """Return the plug-in's keyword-only arguments: what a sweep file may say about it."""
        parameters = inspect.signature(self._signature(name)).parameters.values()
        return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}

    def check(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options with their types enforced and defaults filled in.

        SpecError names the bad one.
        """
        known = self.options(name)
        for option in options:
            self._check_known(name, option)
        return self._validated(name, tuple(known), options)

    def check_option(self, name: str, option: str, value: object) -> object:
        """Return one option's value with its type enforced, whatever the others are."""
        self._check_known(name, option)
        return self._validated(name, (option,), {option: value})[option]

    def _check_known(self, name: str, option: str) -> None:
        known = self.options(name)
        if option not in known:
            hint = nearest(option, known) if known else "it has no options"
            raise SpecError(f"{self.kind} {name!r} has no option {option!r}", hint=hint)

    def _validated(self, name: str, known: tuple[str, ...], options: Mapping[str, Any]) -> dict[str, Any]:
        model = _options_model(self._signature(name), known)
        with contextlib.suppress(ValidationError):
            return dict(model.model_validate(_whole(options)))
        try:
            return dict(model.model_validate(dict(options)))
        except ValidationError as error:
            raise first_problem(error, f"{self.kind} {name!r}") from error

    def _signature(self, name: str) -> Callable[..., Any]:
        """Return the plug-in if its module is imported, else what its source says of its arguments."""
        self._find(name)
        return self._plugins[name] if name in self._plugins else self._declared[name][1]

    def _find(self, name: str) -> None:
        modules = self._modules()
        for module in [name, *modules] if name in modules else modules:
            if name in self._plugins or name in self._declared:
                return
            self._declare(module)
        if name not in self._plugins and name not in self._declared:
            raise SpecError(f"no {self.kind} is called {name!r}", hint=nearest(name, self))

    def _modules(self) -> list[str]:
        package = importlib.import_module(self.package)
        return [module.name for module in pkgutil.iter_modules(package.__path__) if not module.ispkg]

    def _declare(self, name: str) -> None:
        """Learn what a module registers: from its source, or by importing it where that does not say."""
        module = f"{self.package}.{name}"
        if module in self._read:
            return
        self._read.add(module)
        found = {} if module in sys.modules else declared(module, self.package, self)
        for plugin, signature in found.items():
            held = self._plugins.get(plugin)
            holder = self._declared.get(plugin, (held.__module__ if held else module,))[0]
            if holder != module:
                raise RuntimeError(f"two plug-ins of kind {self.kind} are called {plugin!r}")
            self._declared[plugin] = (module, signature)
        if not found:
            importlib.import_module(module)


def first_problem(error: ValidationError, part: str = "") -> SpecError:
    """Return the first of pydantic's complaints as ours: `layers: found 9, input should be less than ...`."""
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
    """Return what a `Literal` takes; nothing where the complaint is about anything else."""
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
    """Return a model as strict as the sweep file's own sections: `"8"` is text, and `true` is no number."""
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
