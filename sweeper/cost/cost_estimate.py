"""A quote says what a sweep will cost, with ranges; it is shown, stored in the record and read back."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sweeper.cost import Source
from sweeper.trial import Config

VERSION = 1
_RANGES = ("device_hours", "wall_hours", "trials", "completed", "full_trial")


@dataclass(frozen=True, slots=True)
class Range:
    """Nine of ten outcomes lie above `p10`, as many below `p90`; `p50` is as likely too high as too low."""

    p10: float
    p50: float
    p90: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Return the interpolated quantiles."""
        ordered = sorted(values)
        return cls(*(_quantile(ordered, share) for share in (0.1, 0.5, 0.9)))

    def times(self, factor: float) -> "Range":
        """Return the same range in another unit."""
        return Range(self.p10 * factor, self.p50 * factor, self.p90 * factor)

    def holds(self, value: float) -> bool:
        """Return whether the value lies in the range."""
        return self.p10 <= value <= self.p90


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@dataclass(frozen=True, slots=True)
class Corner:
    """The dearest configuration and its cost, trained in full."""

    config: Config
    seconds_per_epoch: float
    device_hours: float


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The estimate of one sweep. Device-hours are those of CPU slots where `is_gpu` is false.

    `full_trial` are the device-hours of one trial trained in full, over the configurations of the space, the
    pace's own error included; `usd` is None where no price is known. `trials` are those that start,
    `rungs` how many reach each. `cut_by` names the limit that ends the sweep before all its trials, `changes`
    what would make room, the smallest change first; with a `refusal` nothing may be launched.
    `samples` are configurations with the seconds of an epoch foreseen for them. Nine of ten take less than
    `caution` times that; `start_seconds` are billed to a worker's first attempt before it trains.
    """

    source: Source
    timings: int
    device: str
    is_gpu: bool
    slots: int
    share: float
    device_hours: Range
    wall_hours: Range
    trials: Range
    completed: Range
    full_trial: Range
    usd_per_hour: float | None = None
    rungs: Mapping[str, float] = field(default_factory=dict[str, float])
    resource: str = "epoch"
    dearest: Corner | None = None
    simulations: int = 0
    wanted_trials: int | None = None
    cut_by: str = ""
    changes: tuple[str, ...] = ()
    refusal: str = ""
    notes: tuple[str, ...] = ()
    samples: tuple[tuple[Config, float], ...] = ()
    caution: float = 1.0
    start_seconds: float = 0.0
    startup: float = 0.0
    version: int = VERSION

    @classmethod
    def of_pace(cls, samples: Sequence[tuple[Config, float]], **known: Any) -> Self:
        """Return the part of a quote by which a sweep decides before its first report, without any range."""
        nothing = dict.fromkeys(_RANGES, Range(0.0, 0.0, 0.0))
        fields: dict[str, Any] = {"is_gpu": False, "slots": 1, "share": 1.0, **nothing, **known}
        return cls("table", 0, "", samples=tuple(samples), **fields)

    @property
    def usd(self) -> Range | None:
        """Money for all devices as long as the sweep runs, idle ones included; None where no price is
        known."""
        price, devices = self.usd_per_hour, self.slots * self.share
        return None if price is None else self.wall_hours.times(devices * price)

    def facts(self) -> dict[str, Any]:
        """Return JSON values; `usd` is written out for readers of the document."""
        usd = self.usd
        return {**asdict(self), "usd": asdict(usd) if usd else None}

    def to_json(self) -> str:
        """Return one line of JSON, as it stands in the record."""
        return json.dumps(self.facts(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "CostEstimate | None":
        """Read `to_json`; None for no quote, or one of another version: a record outlives the format."""
        try:
            document: dict[str, Any] = json.loads(text)
            if document.pop("version") != VERSION:
                return None
            document.pop("usd")
            for name in _RANGES:
                document[name] = Range(**document[name])
            document["dearest"] = Corner(**document["dearest"]) if document["dearest"] else None
            document["samples"] = tuple((config, seconds) for config, seconds in document["samples"])
            document["changes"], document["notes"] = tuple(document["changes"]), tuple(document["notes"])
            return cls(**document)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
