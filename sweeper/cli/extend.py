"""`sweeper extend`: give a sweep a larger budget or a wider space, and let it go on."""

import click

from sweeper.cli.parts.options import sweep_name
from sweeper.errors import SpecError
from sweeper.launch.extend import extend
from sweeper.results.stored_sweep import find


@click.command(epilog="Example:  sweeper extend digits --trials +20")
@sweep_name
@click.option("--budget", multiple=True, metavar="LIMIT=+N", help="Raise a limit: gpu_hours=+10. Repeatable.")
@click.option("--trials", metavar="+N", help="The same as --budget trials=+N.")
@click.option("--widen", multiple=True, metavar="PARAMETER.max=N", help="Widen a range. Repeatable.")
def command(name: str, budget: tuple[str, ...], trials: str | None, widen: tuple[str, ...]) -> None:
    """Let SWEEP use more than it was launched with; `sweeper resume` then goes on.

    Nothing else of a sweep can change once it has begun: its trials would not compare.
    """
    limits = [*budget, *([f"trials={trials}"] if trials else [])]
    if not limits and not widen:
        raise SpecError(
            "nothing to extend", hint="--trials +20, --budget gpu_hours=+10 or --widen layers.max=6"
        )
    for change in extend(find(name), limits, widen):
        click.echo(str(change))
    click.echo(f"go on with:  sweeper resume {name}")
