"""What a sweep with `search.from` knew before its first trial: results that are not among its own."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweeper.store.events import EarlierTrial
from sweeper.trial import Goal


@dataclass(frozen=True, slots=True)
class Earlier:
    """The best of `count` configurations that earlier sweeps had run: trial `number` of `sweep`."""

    count: int
    sweep: str
    number: int
    score: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def earlier(known: Sequence[EarlierTrial], goal: Goal) -> Earlier | None:
    """From what the record tells of earlier sweeps; None where nothing was known."""
    scored = [
        (goal.sign * goal.best(scores), trial)
        for trial in known
        if (scores := [report.score for report in trial.reports if math.isfinite(report.score)])
    ]
    if not scored:
        return None
    value, best = max(scored, key=lambda pair: pair[0])
    return Earlier(len(known), best.sweep, best.number, goal.sign * value)
