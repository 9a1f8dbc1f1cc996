"""`sweeper report`: one page about sweeps that people pass on."""

from collections import Counter
from pathlib import Path

import click

from sweeper.cli.parts.answer_page import board_of
from sweeper.cli.parts.options import complete_sweep
from sweeper.errors import SpecError
from sweeper.files import write_atomically
from sweeper.results.stored_sweep import stored

_SUFFIXES = {"html": ".html", "md": ".md", "json": ".json", "csv": ".csv"}


@click.command(epilog="Example:  sweeper report digits -o digits.html")
@click.argument("sweeps", nargs=-1, required=True, metavar="SWEEP ...", shell_complete=complete_sweep)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write. [default: runs/SWEEP/report.html]",
)
@click.option(
    "--format", "kind", type=click.Choice(list(_SUFFIXES)), help="[default: by the suffix, else html]"
)
def command(sweeps: tuple[str, ...], output: Path | None, kind: str | None) -> None:
    """Write one page about SWEEPs: the answer, fronts, curves, parameters, costs, and how to repeat it.

    The page opens offline. Works while a sweep runs. md, json and csv have the same facts.
    """
    from sweeper.report.formats import written  # imports plotly

    twice = [name for name, count in Counter(sweeps).items() if count > 1]
    if twice:
        raise SpecError(f"{twice[0]!r} is named twice", hint="name different sweeps")
    boards = [board_of(stored(name)) for name in sweeps]
    suffixes = {suffix: name for name, suffix in _SUFFIXES.items()}
    kind = kind or suffixes.get(output.suffix.lower() if output else "", "html")
    output = output or boards[0].sweep.root / f"report{_SUFFIXES[kind]}"
    text = written(boards, kind)
    try:
        write_atomically(output, text)
    except OSError as error:
        raise SpecError(
            f"cannot be written: {error.strerror}", where=str(output), hint="name another: -o FILE"
        ) from error
    click.echo(f"{output}: {len(text.encode()) / 1e6:.1f} MB")
