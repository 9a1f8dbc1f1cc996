"""A sweep file's space as other searches know theirs: one parameter after the other, or all at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Choose = Callable[[str, Any], Any]
"""Picks a value of one parameter: by its name, among a list or within `min` and `max`."""


def configured(parameters: Mapping[str, Any], choose: Choose) -> dict[str, Any]:
    """The configuration that `choose` makes; what `when` rules out is not asked for."""
    found: dict[str, Any] = {}
    for name, spread in parameters.items():
        if isinstance(spread, Mapping) and not _holds(spread.get("when", {}), found):
            continue
        if isinstance(spread, Mapping) and "per" in spread:
            places = range(found[spread["per"]])
            found[name] = [choose(f"{name}_{place}", spread["values"]) for place in places]
        else:
            found[name] = choose(name, _plain(spread))
    return found


def flat(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter that a configuration can have, for a search that knows no conditions."""
    found: dict[str, Any] = {}
    for name, spread in parameters.items():
        if isinstance(spread, Mapping) and "per" in spread:
            most = parameters[spread["per"]]["max"]
            found |= {f"{name}_{place}": spread["values"] for place in range(most)}
        else:
            found[name] = _plain(spread)
    return found


def is_log(spread: Mapping[str, Any]) -> bool:
    return "log" in str(spread.get("distribution", ""))


def _plain(spread: Any) -> Any:
    if isinstance(spread, Mapping):
        return spread.get("values", spread)
    return spread if isinstance(spread, list) else [spread]


def _holds(when: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    allowed: dict[str, Sequence[Any]] = {
        name: value if isinstance(value, list) else [value] for name, value in when.items()
    }
    return all(known.get(name) in values for name, values in allowed.items())
