"""What a sweep with `search.from` knew before its first trial: results that are not among its own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

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


def earlier(known: Sequence[Mapping[str, Any]], goal: Goal) -> Earlier | None:
    """From the bodies of the record's `known` events; None where nothing was known."""
    sign = 1.0 if goal == "maximize" else -1.0
    scored = [
        (max(sign * score for _, score, *_ in reports), body)
        for body in known
        if (reports := [report for report in body["reports"] if math.isfinite(report[1])])
    ]
    if not scored:
        return None
    value, body = max(scored, key=lambda pair: pair[0])
    return Earlier(len(known), body["sweep"], body["number"], sign * value)
