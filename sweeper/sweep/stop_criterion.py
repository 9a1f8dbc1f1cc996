"""This module ends the search before its budget does: it follows `stop_when` as attempts end."""

from collections.abc import Mapping
from dataclasses import asdict

from sweeper.config.spec import SweepSpec
from sweeper.store.events import SearchEnded
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.sweep.marginal_gain import ceiling_of, concluded, gain_ahead
from sweeper.sweep.rules import NEWEST, corrects_looks
from sweeper.trial import State

MORE = 1.02
"""Looks again when so many times as many attempts have ended: a look costs milliseconds, they are many."""


class StopCriterion:
    """Says once that going on is not worth it. Without a `stop_when` in the file it never does."""

    def __init__(self, spec: SweepSpec, meta: Mapping[str, str] = NEWEST) -> None:
        """`meta` is the record's: it says by which rules the sweep began."""
        self._is_corrected = corrects_looks(meta)
        self._rule = spec.stop_when
        self._objective = spec.objective
        self._seed = spec.search.seed
        self._ended = self._looked_at = self._looks = 0

    def is_due(self, history: SweepHistory, ended: TrialHistory) -> bool:
        """Say whether enough attempts have ended since the last look; it is called at each end of an attempt.

        Lost attempts do not count, so that a killed driver changes nothing. A yes counts as a look.
        """
        self._ended += ended.state is not State.WAITING
        rule = self._rule
        if rule is None or history.enough or self._ended < max(rule.after, MORE * self._looked_at):
            return False
        self._looked_at = self._ended
        self._looks += 1
        return True

    def look(self, history: SweepHistory) -> SearchEnded | None:
        """Return the reason to end the search, with its figures; None as long as it should go on."""
        rule = self._rule
        if rule is None:
            return None
        ended, ceiling = concluded(history, self._objective.goal), ceiling_of(self._objective.metric)
        looks = max(1, self._looks) if self._is_corrected else 1
        gain = gain_ahead(ended, rule.ahead, self._seed, ceiling=ceiling, looks=looks)
        if gain.high >= rule.gain:
            return None
        why = (
            f"{rule.ahead:.0%} more device time would raise the best by {gain.expected:.2g}, "
            f"{gain.high:.2g} at most: less than the {rule.gain:g} of stop_when"
        )
        return SearchEnded(why=why, figures=asdict(gain))
