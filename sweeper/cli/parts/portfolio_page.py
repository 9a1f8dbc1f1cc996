"""What a team's own portfolio holds, and how good each member was where: `sweeper portfolio`."""

import click

from sweeper.cli.parts.table import print_table
from sweeper.results.team_portfolio import TeamPortfolio
from sweeper.wording import plain


def print_chosen(found: TeamPortfolio) -> None:
    """Print the members with what each came to on every set of images, and how much of that is foretold."""
    columns = ("configuration of", "cost", *map(plain, found.sets))
    rows = [
        (
            plain(f"{each.sweep} {each.number}"),
            f"{each.cost:.2g}",
            *(f"{100 * regret:.0f} %" for regret in regrets),
        )
        for each, regrets in zip(found.chosen, found.regrets, strict=True)
    ]
    print_table(columns, rows, left=("configuration of",))
    said = (
        f"regret: 0 % is the best there, 100 % the median; {100 * found.foretold:.0f} % of all are foretold"
    )
    click.echo(f"{said}; cost: of a training in full, 1 is the mean of its images")
