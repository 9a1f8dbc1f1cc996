"""A sweep that is read from its record again and again: each look reads only what is new."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sweeper.cli.parts.event_story import Story
from sweeper.config.spec import SweepSpec
from sweeper.launch.live_snapshot import LiveSnapshot
from sweeper.results.stored_sweep import StoredSweep, stored
from sweeper.store.account import account_of, covers, money_of
from sweeper.store.events import Event, Heartbeat, SweepClosed, SweepLaunched
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trackers.snapshot import Snapshot
from sweeper.trial import State

KEPT = 100
"""Lines of the story that are kept for the tail."""


@dataclass
class FollowedSweep:
    """The sweep as of the last look, and the last lines of its story. It touches nothing but the record."""

    sweep: StoredSweep
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=KEPT))
    _story: Story = field(init=False)
    _live: LiveSnapshot = field(init=False)
    _told_at: float = 0.0

    @classmethod
    def open(cls, name: str) -> "FollowedSweep":
        """Read the record of that sweep; SpecError where there is none."""
        return cls(stored(name))

    def __post_init__(self) -> None:
        """Tell the story so far, whose end is shown."""
        self._story = Story(self.sweep.spec.objective.metric)
        events = self.sweep.events()
        self.lines.extend(self._story.feed(events))
        self.sweep = replace(self.sweep, history=self._story.history, last_seq=self._story.seq)
        self._live = LiveSnapshot(self)
        self._note(events)

    def look(self) -> bool:
        """Read what happened since the last look, and say whether anything did."""
        is_running = self.sweep.is_running()  # asked first: what its last moments wrote is then still read
        new = self.sweep.events(self.sweep.last_seq)
        self.lines.extend(self._story.feed(new))
        for event in new:
            self._live.on_event(event, self.history)
        self._note(new)
        owner = self.sweep.owner if is_running else None
        self.sweep = replace(self.sweep, owner=owner, last_seq=max(self.sweep.last_seq, self._story.seq))
        return bool(new)

    def snapshot(self) -> Snapshot:
        """Return how the sweep stands, running attempts as of their last heartbeat."""
        return self._live.take()

    def failed(self) -> list[TrialHistory]:
        """Return the failed trials, the latest last."""
        return [trial for trial in self.history.over if trial.state is State.FAILED]

    @property
    def has_ended(self) -> bool:
        """Whether nobody ran it at the last look."""
        return self.sweep.owner is None

    @property
    def spec(self) -> SweepSpec:
        """Its file."""
        return self.sweep.spec

    @property
    def history(self) -> SweepHistory:
        """All events so far."""
        return self.sweep.history

    def spent(self) -> tuple[float, float]:
        """Return device-seconds and USD as the limits count them, as of the last heartbeat."""
        history = self.history
        return account_of(history).device_seconds(), money_of(history).covered(covers(self.sweep.meta))

    def wall(self) -> float:
        """Return the seconds with a driver until now, on its machine's clock and ours."""
        since = time.time() - self._told_at if self.sweep.owner and self._told_at else 0.0
        return self.history.wall_seconds + max(0.0, since)

    def _note(self, events: Sequence[Event]) -> None:
        """Note when the driver last told its clocks."""
        for event in events:
            if isinstance(event, Heartbeat | SweepClosed | SweepLaunched):
                self._told_at = event.at
