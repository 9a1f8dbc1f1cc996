"""This module removes what an override of a parameter's values leaves without a meaning: its conditions."""

from collections.abc import Mapping
from typing import Any, cast

from sweeper.config.parameter import is_same

Values = list[Any]


def drop_unmet(data: dict[str, Any], name: str, before: Values | None) -> None:
    """Drop each parameter and rule of `data` that exists only under values which `name` no longer has.

    `before` are the values that it had: a condition on any other value is a mistake, and stays to be refused.
    A parameter that goes takes those along that exist only with it.
    """
    parameters = data.get("parameters")
    if not isinstance(parameters, dict):
        return
    held = cast("dict[str, Any]", parameters)
    now = values_of(held.get(name))
    if before is None or now is None:
        return
    gone = [value for value in before if not _holds(value, now)]
    for dropped in _without_meaning(held, name, gone):
        held.pop(dropped, None)
    resources = data.get("resources")
    rules = cast("dict[str, Any]", resources).get("rules") if isinstance(resources, dict) else None
    if isinstance(rules, list):
        known = cast("list[Any]", rules)
        known[:] = [rule for rule in known if not _is_unmet(rule, name, gone)]


def values_of(written: object) -> Values | None:
    """Return what a parameter lists, however it is written; None for a range."""
    if isinstance(written, dict):
        parts = cast("dict[str, Any]", written)
        return [parts["value"]] if "value" in parts else parts.get("values")
    return cast("Values", written) if isinstance(written, list) else None if written is None else [written]


def _without_meaning(parameters: Mapping[str, Any], name: str, gone: Values) -> list[str]:
    unmet = [each for each, written in parameters.items() if _is_unmet(written, name, gone)]
    for each in unmet:
        unmet += [
            other
            for other, written in parameters.items()
            if other not in unmet
            and isinstance(written, dict)
            and (each in (written.get("when") or {}) or written.get("per") == each)
        ]
    return unmet


def _is_unmet(written: object, name: str, gone: Values) -> bool:
    """Say whether every value that the condition allows is gone; the others of it are taken out."""
    when = cast("dict[str, Any]", written).get("when") if isinstance(written, dict) else None
    if not isinstance(when, dict) or name not in when:
        return False
    conditions = cast("dict[str, Any]", when)
    allowed: Values = conditions[name] if isinstance(conditions[name], list) else [conditions[name]]
    left = [value for value in allowed if not _holds(value, gone)]
    if left and len(left) < len(allowed):
        conditions[name] = left
    return not left


def _holds(value: object, values: Values) -> bool:
    return any(is_same(value, each) for each in values)
