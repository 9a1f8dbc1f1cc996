"""This module keeps what a sweep file says beside its mistakes, so that later ones are found as well."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, cast

from sweeper.errors import SpecError

_STAND_INS: Mapping[str, Any] = {
    "name": "unnamed",
    "dataset": {"source": "digits"},
    "parameters": {"batch_size": 128},
}
"""For what no sweep can do without."""
_ABOUT_PARAMETERS = ("points", "resources")
"""Sections that name parameters: without these they would look wrong."""


def salvaged(data: Mapping[str, Any], mistakes: Iterable[SpecError]) -> dict[str, Any]:
    """Return the file's data without each wrong key, or without a section that is wrong as a whole.

    One wrong parameter takes all of them along, because conditions name each other.
    """
    kept = copy.deepcopy(dict(data))
    for path in [mistake.path.split(".") for mistake in mistakes]:
        section = path[0]
        held = kept.get(section)
        if section == "parameters":
            for each in (section, *_ABOUT_PARAMETERS):
                kept.pop(each, None)
        elif len(path) == 2 and isinstance(held, dict) and path[1] in held:
            cast("dict[str, Any]", held).pop(path[1])
        else:
            kept.pop(section, None)
    for section, stand_in in _STAND_INS.items():
        held = kept.setdefault(section, stand_in)
        if section == "dataset" and isinstance(held, dict):
            cast("dict[str, Any]", held).setdefault("source", "digits")
    return kept


def section_of(mistake: SpecError) -> str:
    """Return the top-level key in which the mistake lies; "" where it is about the whole file."""
    return mistake.path.partition(".")[0]
