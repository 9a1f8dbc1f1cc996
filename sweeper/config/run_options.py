"""The options of a launch say which machine runs the trials, and what it shows meanwhile."""

import json
from dataclasses import dataclass, replace
from typing import Any, Protocol


class Teller(Protocol):
    """Who tells people that do not watch."""

    def update(self, snapshot: Any) -> list[str]:
        """Tell what is new in this snapshot, and return at once what could not be told, in words."""
        ...

    def end(self, why: str) -> list[str]:
        """Tell how the launch ended, within seconds."""
        ...


class Metrics(Protocol):
    """Where monitoring reads how the sweep stands."""

    def update(self, snapshot: Any) -> None:
        """Answer with this snapshot from now on."""
        ...

    def close(self) -> None:
        """Stop answering."""
        ...


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`runner` is empty until somebody chooses the one that fits (`sweeper.launch.choose_runner`).

    `usd_per_gpu_hour` prices every GPU alike; without it nodes are priced by their labels.
    `instance` names the type of nodes without a label, as their cloud does.
    `is_sharing` runs beside other sweeps of this machine instead of waiting for their cores.
    `metrics` is the server on `metrics_port`, once it listens; `words` tells people that do not watch;
    `worker` is a process that was started early.
    """

    runner: str = ""
    address: str | None = None
    cpus: int | None = None
    metrics_port: int | None = None
    is_quiet: bool = False
    usd_per_gpu_hour: float | None = None
    instance: str = ""
    metrics: Metrics | None = None
    words: Teller | None = None
    worker: Any = None
    is_sharing: bool = False

    @property
    def prices(self) -> str:
        """What it says of prices as JSON, as the record keeps it; "" where it says nothing."""
        given = {"usd_per_gpu_hour": self.usd_per_gpu_hour, "instance": self.instance}
        return json.dumps(given) if any(given.values()) else ""

    def priced_as(self, kept: str) -> "RunOptions":
        """The same, with the prices of an earlier launch where this one says nothing of them."""
        return self if self.prices or not kept else replace(self, **json.loads(kept))
