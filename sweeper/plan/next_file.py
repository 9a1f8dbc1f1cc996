"""The sweep file that follows from advice: a change that no sweep would take is left out, and said."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sweeper.config.parameter import Parameter
from sweeper.config.parse_parameters import write_parameter
from sweeper.config.sections import safe_name
from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.errors import SpecError
from sweeper.plan.check_spec import check_spec


@dataclass(frozen=True, slots=True)
class Successor:
    """The next sweep, and the changes that could not be made, each with the reason of its refusal."""

    spec: SweepSpec
    refused: Mapping[str, str]


def successor(spec: SweepSpec, parameters: Mapping[str, Parameter], grace: float | None = None) -> Successor:
    """Return a sweep of another name with these parameters and that first rung, which begins with the results
    of this one."""
    changes: dict[str, tuple[tuple[str, ...], Any]] = {
        name: (("parameters", name), write_parameter(parameter)) for name, parameter in parameters.items()
    }
    if grace is not None:
        level = int(grace) if grace == int(grace) else grace
        changes["scheduler.grace"] = (("scheduler", "grace"), level)
    data = spec.resolved()
    data["name"] = safe_name(f"{spec.name}-next")
    data["search"]["from"] = [spec.name]
    refused: dict[str, str] = {}
    for name, (path, value) in changes.items():
        tried = _with(data, path, value)
        try:
            check_spec(restore_spec(tried, name="the next file"))
        except SpecError as error:
            refused[name] = error.problem
            continue
        data = tried
    return Successor(restore_spec(data, name="the next file"), refused)


def next_text(made: Successor, reasons: Mapping[str, str]) -> str:
    """Return the next sweep as the text of a file, with what was changed and why at its head."""
    kept = [f"#   {name}: {reason}" for name, reason in reasons.items() if name not in made.refused]
    left = [f"#   {name}: {problem}" for name, problem in made.refused.items()]
    (before,) = made.spec.search.warm_start
    lines = [f"# The next file after {json.dumps(before)}, by `sweeper advise`. Changed:"]
    lines += kept or ["#   nothing"]
    lines += ["# Left as it was, because a sweep refuses the change:", *left] if left else []
    body = yaml.safe_dump(made.spec.resolved(), sort_keys=False, allow_unicode=True, default_flow_style=None)
    return "\n".join([*lines, body])


def _with(data: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = path
    return {**data, first: _with(data[first], tuple(rest), value) if rest else value}
