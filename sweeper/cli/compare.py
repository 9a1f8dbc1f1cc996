"""`sweeper compare`: several sweeps side by side."""

from collections import Counter
from pathlib import Path

import click

from sweeper.cli.parts.options import as_json, complete_sweep
from sweeper.cli.parts.table import print_card, print_json
from sweeper.errors import SpecError
from sweeper.files import write_atomically
from sweeper.results.card import Picture
from sweeper.results.cards.compare import comparison
from sweeper.results.comparison import compare_sweeps
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.stored_sweep import stored


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
    card = comparison(compare_sweeps([Leaderboard(stored(name)) for name in sweeps]))
    if svg is not None and card.picture:
        _draw(svg, card.picture())
    if as_json:
        print_json(card.facts)
    else:
        print_card(card)


def _refuse(sweeps: tuple[str, ...]) -> None:
    twice = [name for name, count in Counter(sweeps).items() if count > 1]
    if twice:
        raise SpecError(f"{twice[0]!r} is named twice", hint="name different sweeps")
    if len(sweeps) < 2:
        hint = " ".join(("sweeper best", *sweeps))
        raise SpecError("one sweep has nothing to be compared with", hint=hint)


def _draw(path: Path, picture: Picture) -> None:
    from sweeper.results.plots import svg  # imports matplotlib

    try:
        write_atomically(path, svg(picture))
    except OSError as error:
        raise SpecError(f"cannot be written: {error.strerror}", where=str(path)) from error
