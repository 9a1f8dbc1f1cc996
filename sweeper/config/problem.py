"""Puts pydantic's complaints into our words: path, what was found and expected, the nearest valid name."""

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sweeper.errors import SpecError
from sweeper.registry import choices, nearest

_EXPECTED: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "keys with values",
    "mapping": "keys with values",
    "model": "keys with values",
    "finite": "a finite number",
}
_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda ctx: f"more than {ctx['gt']:g}",
    "greater_than_equal": lambda ctx: f"at least {ctx['ge']:g}",
    "less_than": lambda ctx: f"less than {ctx['lt']:g}",
    "less_than_equal": lambda ctx: f"at most {ctx['le']:g}",
    "too_short": lambda ctx: f"at least {ctx['min_length']} of them",
    "too_long": lambda ctx: f"at most {ctx['max_length']} of them",
    "literal_error": lambda ctx: ctx["expected"].replace("'", ""),
}

_ELSEWHERE: Mapping[str, str] = {
    "notify": "it may come from a stranger: write it into your own ~/.config/sweeper/config.yaml"
}
"""Keys that another file has."""


def problems(error: ValidationError, raw: object, model: type[BaseModel]) -> list[SpecError]:
    """Return every mistake, in the order of the fields, each with the dotted path of its key."""
    places: dict[str, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        path = _path(details, raw)
        places.setdefault(".".join(path), []).append(details)
    return [problem for path, details in places.items() for problem in _problems(path, details, model)]


def show(value: object) -> str:
    """Write a value as the user would recognize it in the file, cut to a readable length."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "keys with values"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _path(details: ErrorDetails, raw: object) -> list[str]:
    """Return the place in the data: pydantic's location without the names of union members."""
    path: list[str] = []
    for part in details["loc"]:
        if isinstance(raw, dict) and part in raw:
            raw = typing.cast("dict[Any, object]", raw)[part]
        elif isinstance(raw, list) and isinstance(part, int) and part < len(typing.cast("list[object]", raw)):
            raw = typing.cast("list[object]", raw)[part]
        elif details["type"] != "missing":
            break
        path.append(str(part))
    return path


def _problems(path: str, details: Sequence[ErrorDetails], model: type[BaseModel]) -> list[SpecError]:
    """Return what our own checks raised, which may be several mistakes, or the one that pydantic found."""
    inner = details[0].get("ctx", {}).get("error")
    if not isinstance(inner, SpecError):
        return [_problem(path, details, model)]
    return [
        SpecError(each.problem, path=".".join(part for part in (path, each.path) if part), hint=each.hint)
        for each in inner.each()
    ]


def _problem(path: str, details: Sequence[ErrorDetails], model: type[BaseModel]) -> SpecError:
    first = details[0]
    name = path.rpartition(".")[2]
    siblings = _fields(model, path.split(".")[:-1])
    if first["type"] == "missing":
        return SpecError(f"{name!r} is missing", path=path)
    if first["type"] == "extra_forbidden":
        if path in _ELSEWHERE:
            return SpecError("a sweep file cannot say this", path=path, hint=_ELSEWHERE[path])
        return SpecError(f"no key is called {name!r}", path=path, hint=nearest(name, siblings))
    expected = " or ".join(dict.fromkeys(_expected(each) for each in details))
    hint = ""
    found = first["input"]
    if first["type"] == "literal_error" and isinstance(found, str):
        close = nearest(found, choices(first))
        hint = close if close.startswith("did you mean") else ""
    return SpecError(f"found {show(found)}, expected {expected}", path=path, hint=hint)


def _expected(details: ErrorDetails) -> str:
    kind = details["type"]
    if kind in _LIMITS:
        return _LIMITS[kind](details.get("ctx", {}))
    word = kind.removesuffix("_from_float").partition("_")[0]
    return _EXPECTED.get(word, details["msg"][:1].lower() + details["msg"][1:])


def _fields(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Return the keys that may stand beside the last part of the path."""
    for part in path:
        if part.isdigit():  # an index: what its list holds was taken for the list
            continue
        field = model.model_fields.get(part)
        kind = field.annotation if field else None
        kind = typing.get_args(kind)[0] if typing.get_args(kind) else kind  # a list of these, or none
        if not isinstance(kind, type) or not issubclass(kind, BaseModel):
            return []
        model = kind
    return list(model.model_fields)
