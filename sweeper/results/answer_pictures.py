"""The pictures of an answer's cards, drawn beside the record.

Whoever imports this loads matplotlib: only the end of a run does.
"""

import contextlib

from sweeper.files import write_atomically
from sweeper.results.card import Card
from sweeper.results.cards.front import front
from sweeper.results.cards.spent import anytime
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.plots import svg


def draw_pictures(board: Leaderboard) -> None:
    """Draw the front and the best score over time, where there is a score, and room for them."""
    paths = board.sweep.paths
    with contextlib.suppress(OSError):
        for path, card in ((paths.front, front(board)), (paths.anytime, anytime(board))):
            if board.best and isinstance(card, Card) and card.picture:
                write_atomically(path, svg(card.picture()))
