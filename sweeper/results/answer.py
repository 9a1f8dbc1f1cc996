"""The answer that a sweep ends with: the list of its cards. A new finding is a new card and a line here."""

from collections.abc import Callable, Mapping

from sweeper.results.card import Card, NotYet
from sweeper.results.cards.best import best, certainty, earlier
from sweeper.results.cards.budgets import budgets, target
from sweeper.results.cards.efficiency import efficiency
from sweeper.results.cards.front import front, knee
from sweeper.results.cards.order import ranking
from sweeper.results.cards.overview import overview, places
from sweeper.results.cards.published import published
from sweeper.results.cards.spent import anytime, spending
from sweeper.results.leaderboard import Leaderboard

CARDS: tuple[Callable[[Leaderboard], Card | NotYet], ...] = (
    overview, best, certainty, efficiency, budgets, target, front, knee, ranking, spending, anytime, earlier,
    published, places,
)  # fmt: skip
"""In the order of the JSON document."""


def answer(board: Leaderboard) -> Mapping[str, Card | NotYet]:
    """Every card by the name of its function."""
    return {card.__name__: card(board) for card in CARDS}
