"""`sweeper validate`: is the sweep file right, and what does it say?"""

import json
from collections.abc import Sequence
from typing import Any

import click

from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.config.parameter import Parameter, written
from sweeper.config.salvage import section_of
from sweeper.config.spec import SweepSpec, read_spec
from sweeper.errors import Mistakes, SpecError, together
from sweeper.launch.tracking import check_tracking
from sweeper.launch.warm_start import known_events
from sweeper.plan.check_spec import check_spec
from sweeper.search.points import has_points_only


@click.command(epilog="Example:  sweeper validate search_spaces/digits.yaml -o budget.trials=8")
@sweep_file
@overrides
@as_json
def command(file: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check a sweep file and print what it searches, or every mistake with its line.

    Reads no image: `sweeper plan` also looks at the data and builds sample networks.
    """
    spec = _checked(file, overrides)
    if as_json:
        click.echo(json.dumps(_facts(spec, file) | {"spec": spec.resolved()}, indent=2))
        return
    count = len(spec.parameters)
    click.echo(f"{file}: ok")
    click.echo(f"sweep {spec.name}: {_size(spec)} of {count} parameter{'s' if count > 1 else ''}")
    width = max(len(name) for name in spec.parameters)
    for name, parameter in spec.parameters.items():
        click.echo(f"  {name:<{width}}  {_line(parameter)}")


def _checked(file: str, overrides: Sequence[str]) -> SweepSpec:
    """The sweep; SpecError with every mistake of the file, of its grammar and of what it names."""
    spec, grammar = read_spec(file, overrides)
    if spec is None:
        raise together(grammar)
    wrong = {section_of(each) for each in grammar}
    behind = Mistakes()
    for check in (check_spec, check_tracking, _check_earlier):
        with behind.collected():
            check(spec)
    mistakes = [*grammar, *(each for each in behind if section_of(each) not in wrong)]
    if mistakes:
        raise together(sorted(mistakes, key=_line_of))
    return spec


def _check_earlier(spec: SweepSpec) -> None:
    """Refuse earlier sweeps that are not there or ranked otherwise; which images they saw is `plan`'s."""
    known_events(spec, "")


def _line_of(mistake: SpecError) -> int:
    """The line of the sweep file; what an override or the whole file is about comes first."""
    line = mistake.where.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0


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
