"""`sweeper validate`: is the sweep file right, and what does it say?"""

import json

import click

from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.cli.parts.space_page import print_space, space_facts
from sweeper.cli.parts.warning_lines import print_warnings
from sweeper.launch.check_file import checked_spec, image_warnings


@click.command(epilog="Example:  sweeper validate search_spaces/digits.yaml -o budget.trials=8")
@sweep_file
@overrides
@as_json
def command(file: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check a sweep file and print what it searches, or every mistake with its line.

    Reads no image and lists their names alone: `sweeper plan` also reads the data and builds sample networks.
    """
    spec = checked_spec(file, overrides)
    warnings = image_warnings(spec)
    if as_json:
        click.echo(json.dumps({"file": file, "warnings": warnings, **space_facts(spec)}, indent=2))
        return
    print_warnings(warnings)
    click.echo(f"{file}: ok")
    print_space(spec)
