"""Reads `-o key.path=value`, which replaces one value of the sweep file before it is validated."""

import copy
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from sweeper.config.narrow import drop_unmet, values_of
from sweeper.config.yaml_document import Document, parse_value
from sweeper.errors import SpecError
from sweeper.registry import nearest

_VALUES = re.compile(r"parameters\.([^.]+)(?:\.values?)?")
_USAGE = "expected KEY=VALUE, such as -o budget.trials=8"


def override(
    document: Document, overrides: Sequence[str], environment: Mapping[str, str] = os.environ
) -> Document:
    """Return a new document with each `key.path=value` put in, left to right; the value is read as YAML.

    A number in the path is an index into a list. A key that the file leaves out is added, for
    validation to judge; a parameter's part is only changed where the parameter exists. Fewer values of a
    parameter take along what exists only under the others.
    """
    data = copy.deepcopy(document.data)
    lines, origins = dict(document.lines), dict(document.origins)
    for text in overrides:
        path, has_value, value = text.partition("=")
        origin = f"-o {text if len(text) <= 60 else f'{text[:57]}...'}"
        if not has_value or not all(path.split(".")):
            raise SpecError(_USAGE, where=origin)
        parsed = _value(value, origin, environment)
        name = _narrowed_parameter(path)
        before = values_of(data.get("parameters", {}).get(name)) if name else None
        _put(data, path.split("."), parsed, origin)
        drop_unmet(data, name, before)
        for known in [known for known in (*lines, *origins) if known.startswith(f"{path}.")]:
            lines.pop(known, None)
            origins.pop(known, None)
        origins[path] = origin
    return replace(document, data=data, lines=lines, origins=origins)


def _narrowed_parameter(path: str) -> str:
    """Return the parameter whose values the override replaces; "" where it replaces something else."""
    found = _VALUES.fullmatch(path)
    return found.group(1) if found else ""


def _value(text: str, origin: str, environment: Mapping[str, str]) -> object:
    try:
        return parse_value(text, name=origin, environment=environment)[0]
    except SpecError as error:
        raise SpecError(error.problem, where=origin, hint=error.hint) from error


def _put(data: dict[str, Any], path: Sequence[str], value: object, origin: str) -> None:
    *way, last = path
    place: Any = data
    for depth, part in enumerate(way):
        so_far = ".".join(path[:depth])
        inner = _enter(place, part, so_far, origin)
        if inner is None:
            if so_far == "parameters":
                raise SpecError(f"no parameter is called {part!r}", where=origin, hint=nearest(part, place))
            inner = place[part if isinstance(place, dict) else int(part)] = {}
        place = inner
    _enter(place, last, ".".join(way), origin)
    place[last if isinstance(place, dict) else int(last)] = value


def _enter(place: object, part: str, path: str, origin: str) -> object:
    """Return what lies at `part`, None where a mapping lacks it; SpecError where nothing can lie there."""
    if isinstance(place, dict):
        return cast("dict[str, object]", place).get(part)
    if not isinstance(place, list):
        raise SpecError(f"{path!r} holds one value and has no {part!r}", where=origin)
    items = cast("list[object]", place)
    if not part.isdigit() or int(part) >= len(items):
        expected = f"a number from 0 to {len(items) - 1}" if items else "nothing: it is empty"
        raise SpecError(f"{path!r} is a list; found {part!r}, expected {expected}", where=origin)
    return items[int(part)]
