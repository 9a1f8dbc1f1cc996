"""`sweeper validate`: is the sweep file right, and what does it say?"""

import json

import click

from sweeper.cli.parts.options import as_json, overrides, sweep_file
from sweeper.cli.parts.space_page import print_space, space_facts
from sweeper.launch.check_file import checked_spec


@click.command(epilog="Example:  sweeper validate search_spaces/digits.yaml -o budget.trials=8")
@sweep_file
@overrides
@as_json
def command(file: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check a sweep file and print what it searches, or every mistake with its line.

    Reads no image: `sweeper plan` also looks at the data and builds sample networks.
    """
    spec = checked_spec(file, overrides)
    if as_json:
        click.echo(json.dumps({"file": file, **space_facts(spec)}, indent=2))
        return
    click.echo(f"{file}: ok")
    print_space(spec)
