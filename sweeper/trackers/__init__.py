"""A tracker is a service that is told what happens and is never asked anything; each is a plug-in here.

It is fed from the record's outbox by the `sender`, on a thread of its own. The console and Prometheus are no
trackers: they show the `snapshot` of the running driver.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sweeper.errors import SweeperError
from sweeper.registry import Registry
from sweeper.store.record import OutboxRow


@dataclass(frozen=True, slots=True)
class ImagesTold:
    """What a sweep trains on: a name, a digest of images and split, where they come from, images a split."""

    name: str
    digest: str
    source: str
    root: str
    per_split: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a sweep is told: the service, the place in it, and a note.

    `uri` is resolved (never `auto`). Every run of the sweep is found again by `sweep_id`. `tags` are those
    of the place, which say how the service shows it.
    """

    uri: str
    experiment: str
    sweep_id: str
    metric: str = ""
    is_maximized: bool = True
    note: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    images: ImagesTold | None = None


class Undelivered(SweeperError):
    """The service did not take the rows now (down, slow, locked): the same rows may be sent again later."""


class Refused(SweeperError):
    """The service read the rows and will never take them: sending them again is pointless."""


class Tracker(Protocol):
    """A service that is told. `deliver` may be called twice with the same rows and doubles nothing."""

    def deliver(self, trial: str, rows: Sequence[OutboxRow]) -> None:
        """Tell what happened to one trial, oldest first; raises Undelivered or Refused, and nothing else."""
        ...


tracker: Registry[Callable[[Target], Tracker]] = Registry("tracker", "sweeper.trackers")
