"""Trials that miss the cut of a rung by no more than chance explains, and go on all the same."""

import math

from sweeper.schedulers.parts.noise import LUCK, binomial
from sweeper.schedulers.parts.rung import Rung

EXTRA = 0.5
"""How many places a rung has besides for near-ties, as a share of its places, rounded up."""


class NearTies:
    """Judges scores of which larger is better; knows no ties before `images` is set.

    A trial ties with the last that goes on where they differ by at most one standard deviation of what two
    runs differ by.
    """

    def __init__(self) -> None:
        self.images: int | None = None

    def has(self, rung: Rung, trial_id: str, places: int) -> bool:
        """Whether the trial ties with the last of so many places, and stands not far behind them."""
        if not places or rung.place(trial_id) > places + math.ceil(EXTRA * places):
            return False
        cut = rung.threshold(places)
        variance = LUCK * binomial(abs(cut), self.images)
        return variance > 0 and cut - rung.score(trial_id) <= math.sqrt(2 * variance)
