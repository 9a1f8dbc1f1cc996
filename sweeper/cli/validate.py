"""`sweeper validate`: is the sweep file right, and what does it say?"""

import json
from typing import Any

import click

from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.config.parameter import Parameter, written
from sweeper.config.spec import SweepSpec, load_spec
from sweeper.plan.check_spec import check_spec
from sweeper.search.points import has_points_only


@click.command(epilog="Example:  sweeper validate search_spaces/digits.yaml -o budget.trials=8")
@sweep_file
@overrides
@as_json
def command(file: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check a sweep file and print what it searches.

    Reads no image: `sweeper plan` also looks at the data and builds sample networks.
    """
    spec = load_spec(file, overrides)
    check_spec(spec)
    if as_json:
        click.echo(json.dumps(_facts(spec, file) | {"spec": spec.resolved()}, indent=2))
        return
    count = len(spec.parameters)
    click.echo(f"{file}: ok")
    click.echo(f"sweep {spec.name}: {_size(spec)} of {count} parameter{'s' if count > 1 else ''}")
    width = max(len(name) for name in spec.parameters)
    for name, parameter in spec.parameters.items():
        click.echo(f"  {name:<{width}}  {_line(parameter)}")


def _facts(spec: SweepSpec, file: str) -> dict[str, Any]:
    return {
        "file": file,
        "name": spec.name,
        "digest": spec.digest,
        "configurations": spec.space.size,
        "overrides": list(spec.overrides),
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
