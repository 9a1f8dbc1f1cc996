"""`sweeper portfolio`: what suited a team's images, as a file that the next sweep begins with."""

import time
from pathlib import Path

import click

from sweeper.cli.parts.options import as_json, complete_sweep
from sweeper.cli.parts.output_file import write_new
from sweeper.cli.parts.portfolio_page import print_chosen
from sweeper.cli.parts.table import print_json
from sweeper.errors import SpecError
from sweeper.results.stored_sweep import stored
from sweeper.results.team_portfolio import SIZE, team_portfolio
from sweeper.search.parts.portfolio_file import portfolio_text

COMMENT = (
    "Configurations that complement each other; `search: {start: FILE}` runs them first.",
    "docs/search.md says how each is fitted.",
)


@click.command(epilog="Example:  sweeper portfolio shelf pantry -o team.yaml")
@click.argument("sweeps", nargs=-1, required=True, metavar="SWEEP ...", shell_complete=complete_sweep)
@click.option(
    "-o",
    "--output",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this file.",
)
@click.option("--size", type=click.IntRange(1, 100), default=SIZE, show_default=True, help="Configurations.")
@as_json
def command(sweeps: tuple[str, ...], file: Path, size: int, as_json: bool) -> None:
    """Write a portfolio: configurations of these sweeps that complement each other over their images.

    Another sweep runs them first with `search: {start: FILE}`. Works while the sweeps run.
    """
    if file.suffix not in (".yaml", ".yml"):
        raise SpecError("expected a name that ends in .yaml", where=str(file), hint=f"try {file}.yaml")
    names = list(dict.fromkeys(sweeps))
    found = team_portfolio([stored(name) for name in names], size)
    made = {
        "by": f"sweeper portfolio {' '.join(names)} -o {file.name}",
        "date": time.strftime("%Y-%m-%d"),
        "foretold": f"{100 * found.foretold:.0f} % of the regrets",
    }
    portfolio = found.file(made)
    write_new(file, portfolio_text(portfolio, COMMENT))
    if as_json:
        print_json({"file": str(file), **portfolio.model_dump(mode="json")})
    else:
        print_chosen(found)
        click.echo(f"wrote {file}; next: sweeper plan FILE -o search.start={file} --start")
