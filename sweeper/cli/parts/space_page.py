"""What a sweep file searches, for people and as JSON: `sweeper validate`."""

from typing import Any

import click

from sweeper.config.parameter import Parameter, written
from sweeper.config.spec import SweepSpec
from sweeper.search.points import has_points_only


def print_space(spec: SweepSpec) -> None:
    """Print how many configurations there are, and what each parameter may be."""
    count = len(spec.parameters)
    click.echo(f"sweep {spec.name}: {_size(spec)} of {count} parameter{'s' if count > 1 else ''}")
    width = max(len(name) for name in spec.parameters)
    for name, parameter in spec.parameters.items():
        click.echo(f"  {name:<{width}}  {_line(parameter)}")


def space_facts(spec: SweepSpec) -> dict[str, Any]:
    """Return the same as JSON, with the whole resolved file."""
    return {
        "name": spec.name,
        "digest": spec.digest,
        "configurations": spec.space.size,
        "overrides": list(spec.overrides),
        "spec": spec.resolved(),
    }


def _size(spec: SweepSpec) -> str:
    if has_points_only(spec):
        return f"{len(spec.points)} points"
    size = spec.space.size
    return "infinitely many configurations" if size is None else f"{size:,} configurations"


def _line(parameter: Parameter) -> str:
    scale = ", logarithmic" if getattr(parameter, "log", False) else ""
    per = f", one per {parameter.per}" if parameter.per else ""
    conditions = (
        f"{name} is {' or '.join(map(written, values))}" for name, values in (parameter.when or {}).items()
    )
    when = " and ".join(conditions)
    return f"{parameter.describe()}{scale}{per}{f', when {when}' if when else ''}"
