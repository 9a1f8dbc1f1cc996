"""A rung knows which trials reached a level with which score, sorted so that a rank costs log n."""

import bisect
import heapq


class Rung:
    """Scores at one level; larger is better. `judged` holds the trials that were decided on here."""

    def __init__(self, level: float) -> None:
        self.level = level
        self.judged: set[str] = set()
        self._scores: dict[str, float] = {}
        self._order: dict[str, int] = {}
        self._ordered: list[tuple[float, int]] = []
        self._waiting: list[tuple[float, int, str]] = []

    def __contains__(self, trial_id: str) -> bool:
        """Say whether the trial has reached the level."""
        return trial_id in self._scores

    def __len__(self) -> int:
        """Return how many trials have reached the level."""
        return len(self._scores)

    def add(self, trial_id: str, score: float) -> None:
        """Add the trial's first score at this level or beyond; later ones change nothing."""
        if trial_id not in self._scores:
            self._order[trial_id] = order = len(self._scores)
            self._scores[trial_id] = score
            bisect.insort(self._ordered, (score, -order))
            heapq.heappush(self._waiting, (-score, order, trial_id))

    def score(self, trial_id: str) -> float:
        """Return the trial's score at the level."""
        return self._scores[trial_id]

    def rank(self, trial_id: str) -> int:
        """Return the rank, 1 for the best; equals share the better rank."""
        return 1 + len(self._ordered) - bisect.bisect_right(self._ordered, (self._scores[trial_id], 1))

    def place(self, trial_id: str) -> int:
        """Return the place, 1 for the best.

        Of equals the earlier one comes first, so that no two share a place.
        """
        own = (self._scores[trial_id], -self._order[trial_id])
        return len(self._ordered) - bisect.bisect_left(self._ordered, own)

    def threshold(self, places: int) -> float:
        """Return the score of the last of so many places."""
        return self._ordered[-places][0]

    def percentile(self, share: float) -> float:
        """Return the score below which that share of all lies, interpolated as NumPy's `percentile` does."""
        position = share * (len(self._ordered) - 1)
        low = int(position)
        high = min(low + 1, len(self._ordered) - 1)
        below, above = self._ordered[low][0], self._ordered[high][0]
        return below + (position - low) * (above - below)

    def best_waiting(self) -> str | None:
        """Return the best trial that is not judged; of equal ones the earlier."""
        while self._waiting and self._waiting[0][2] in self.judged:
            heapq.heappop(self._waiting)
        return self._waiting[0][2] if self._waiting else None
