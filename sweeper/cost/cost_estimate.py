"""A quote: what a sweep will cost, with ranges, as it is shown, stored in the record and read back."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sweeper.cost import Source
from sweeper.trial import Config

VERSION = 1


@dataclass(frozen=True, slots=True)
class Range:
    """Nine of ten outcomes lie above `p10`, as many below `p90`; `p50` is as likely too high as too low."""

    p10: float
    p50: float
    p90: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The quantiles, interpolated."""
        ordered = sorted(values)
        return cls(*(_quantile(ordered, share) for share in (0.1, 0.5, 0.9)))

    def times(self, factor: float) -> "Range":
        """The same in another unit."""
        return Range(self.p10 * factor, self.p50 * factor, self.p90 * factor)

    def holds(self, value: float) -> bool:
        """Whether the value is no surprise."""
        return self.p10 <= value <= self.p90


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@dataclass(frozen=True, slots=True)
class Corner:
    """The dearest configuration, trained in full."""

    config: Config
    seconds_per_epoch: float
    device_hours: float


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Device-hours are those of CPU slots where `is_gpu` is false.

    `full_trial` are the device-hours of one trial trained in full, over the configurations of the space, the
    pace's own error included; `usd` is None where nobody knows a price. `trials` are those that start,
    `rungs` how many reach each. `cut_by` names the limit that ends the sweep before all its trials, `changes`
    what would make room, the smallest change first; with a `refusal` nothing may be launched.
    `samples` are configurations with the seconds of an epoch foreseen for them.
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
    version: int = VERSION

    @property
    def usd(self) -> Range | None:
        """Money for the device-hours; None where nobody knows a price."""
        return None if self.usd_per_hour is None else self.device_hours.times(self.usd_per_hour)

    def facts(self) -> dict[str, Any]:
        """As JSON values; `usd` is written out for whoever reads the document."""
        usd = self.usd
        return {**asdict(self), "usd": asdict(usd) if usd else None}

    def to_json(self) -> str:
        """One line, as it stands in the record."""
        return json.dumps(self.facts(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "CostEstimate | None":
        """None for no quote, and for one of another version: a record outlives its quote's format."""
        try:
            told: dict[str, Any] = json.loads(text)
            if told.pop("version") != VERSION:
                return None
            told.pop("usd")
            for name in ("device_hours", "wall_hours", "trials", "completed", "full_trial"):
                told[name] = Range(**told[name])
            told["dearest"] = Corner(**told["dearest"]) if told["dearest"] else None
            told["samples"] = tuple((config, seconds) for config, seconds in told["samples"])
            told["changes"], told["notes"] = tuple(told["changes"]), tuple(told["notes"])
            return cls(**told)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
