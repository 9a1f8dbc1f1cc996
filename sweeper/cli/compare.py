"""`sweeper compare`: several sweeps side by side."""

from collections import Counter
from pathlib import Path

import click

from sweeper.cli.parts.answer_page import answer_of
from sweeper.cli.parts.options import as_json, complete_sweep
from sweeper.cli.parts.table import print_json, print_table
from sweeper.errors import SpecError
from sweeper.files import write_atomically
from sweeper.results.comparison import compare_sweeps
from sweeper.results.comparison_page import notes, tables
from sweeper.results.plots import fronts_svg
from sweeper.results.stored_sweep import find, read


@click.command(epilog="Example:  sweeper compare digits digits-wide --svg fronts.svg")
@click.argument("sweeps", nargs=-1, required=True, metavar="SWEEP SWEEP ...", shell_complete=complete_sweep)
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw the fronts into this file."
)
@as_json
def command(sweeps: tuple[str, ...], svg: Path | None, as_json: bool) -> None:
    """Put the fronts of sweeps side by side: what they found, and what they spent on it.

    They must rank by the same metric. Other images are pointed out, not refused. Works while they run.
    """
    _refuse(sweeps)
    told = [read(find(name)) for name in sweeps]
    answers = [answer_of(each) for each in told]
    found = compare_sweeps(answers, [each.meta.get("data_digest") for each in told])
    if svg is not None:
        _draw(svg, fronts_svg(found))
    if as_json:
        print_json(found.as_dict())
        return
    for title, header, rows in tables(found):
        if title:
            click.echo(f"\n{click.style(title, bold=True)}")
        print_table(header, rows, left=("sweep", ""))
    click.echo()
    for note in notes(found):
        click.echo(note)


def _refuse(sweeps: tuple[str, ...]) -> None:
    twice = [name for name, count in Counter(sweeps).items() if count > 1]
    if twice:
        raise SpecError(f"{twice[0]!r} is named twice", hint="name different sweeps")
    if len(sweeps) < 2:
        hint = " ".join(("sweeper best", *sweeps))
        raise SpecError("one sweep has nothing to be compared with", hint=hint)


def _draw(path: Path, picture: str) -> None:
    try:
        write_atomically(path, picture)
    except OSError as error:
        raise SpecError(f"cannot be written: {error.strerror}", where=str(path)) from error
