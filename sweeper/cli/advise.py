"""`sweeper advise`: what a sweep teaches about its own file."""

from pathlib import Path

import click

from sweeper.cli.parts.options import as_json, sweep_name
from sweeper.cli.parts.output_file import write_new
from sweeper.cli.parts.table import print_card, print_json
from sweeper.errors import SpecError, StateError
from sweeper.results.advice import Advice, advice
from sweeper.results.cards.advise import whole_advice
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.no_score import no_score
from sweeper.results.stored_sweep import StoredSweep, stored


@click.command(epilog="Example:  sweeper advise digits --write digits-next.yaml")
@sweep_name
@click.option(
    "--write", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the next sweep file."
)
@as_json
def command(name: str, file: Path | None, as_json: bool) -> None:
    """Say what SWEEP teaches: which parameters matter, which ranges are too narrow, what was lost.

    Importance is Optuna's PED-ANOVA for score and cost. Works while the sweep runs.
    """
    sweep = stored(name)
    if file is not None and file.exists():
        raise SpecError("exists already", where=str(file), hint="choose another name, or remove it")
    board = Leaderboard(sweep)
    if board.best is None:
        problem, hint = no_score(sweep)
        raise StateError(problem, where=name, hint=hint)
    found = advice(board)
    card = whole_advice(board, found)
    if as_json:
        print_json(card.facts)
    else:
        print_card(card)
    if file is not None:
        _write(file, sweep, found)


def _write(file: Path, sweep: StoredSweep, found: Advice) -> None:
    """Write the next file, and say on stderr what a sweep refuses of the advice."""
    from sweeper.plan.next_file import next_text, successor  # imports torch

    made = successor(sweep.spec, found.next.parameters, found.next.grace)
    write_new(file, next_text(made, found.next.reasons))
    for name, problem in made.refused.items():
        click.echo(f"left as it was: {name} ({problem})", err=True)
    click.echo(f"wrote {file}; next: sweeper plan {file}", err=True)
