"""This module prints a sweep's answer from its record.

It loads neither torch nor matplotlib, so it is quick.
"""

import sys

from rich.console import Console

from sweeper.results.answer import Cards, answer
from sweeper.results.card import Card
from sweeper.results.leaderboard import Leaderboard, Measure
from sweeper.results.render_text import print_answer, print_tables
from sweeper.results.stored_sweep import StoredSweep
from sweeper.trial import Config

WIDTH = 120
"""Columns where stdout is no terminal and nobody says how wide it is."""


def board_of(sweep: StoredSweep, *, budget: float | None = None, is_single: bool = False) -> Leaderboard:
    """Return the leaderboard that the cards of the answer start from."""
    return Leaderboard(sweep, _measure(sweep), budget, is_single)


def print_page(board: Leaderboard, ranked: Card | None = None, cards: Cards | None = None) -> None:
    """Print the whole answer on stdout, or only the ranking, where one is given.

    `cards` are the answer, where it is known already.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    if ranked is None:
        print_answer(cards or answer(board), board.objective, console)
    else:
        print_tables(ranked, console)


def _measure(sweep: StoredSweep) -> Measure | None:
    """Return a function that counts parameters.

    None for a record that does not tell the shape of its images.
    """
    spec, classes, channels = sweep.spec, sweep.classes, sweep.meta.get("channels")
    if classes is None or channels is None:
        return None

    def measure(config: Config) -> int:
        from sweeper.plan.network_cost import parameter_count  # imports torch

        return parameter_count(config, spec=spec, channels=int(channels), classes=classes)

    return measure
