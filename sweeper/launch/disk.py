"""What the driver looks after on the sweep's disk: a copy of the record, and room to write."""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sweeper.errors import PreflightError, SweeperError
from sweeper.store.events import AttemptEnded, Event, Reported
from sweeper.store.history import SweepHistory
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep

COPY_SECONDS, NEWS_SECONDS = 60.0, 10.0
COPY_SHARE = 0.01
"""How much of the driver's time copies of the record may take."""
ROOM_BYTES = 64 << 20
STUCK_SECONDS = 3600.0


@dataclass
class Copies:
    """The record's copy in the sweep's folder, for the day on which this machine and its record are gone."""

    record: Record
    paths: SweepPaths
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _at: float = field(init=False)
    _took: float = 0.0
    _has_news: bool = False
    _has_complained: bool = False

    def __post_init__(self) -> None:
        """The first copy is due at once."""
        self._at = self.clock() - COPY_SECONDS

    def on_event(self, event: Event) -> None:
        """An attempt that ended is worth a copy soon."""
        self._has_news |= isinstance(event, AttemptEnded)

    def write_if_due(self) -> None:
        """Every minute, and ten seconds after the last one where an attempt has ended since."""
        age = self.clock() - self._at
        if age >= max(NEWS_SECONDS if self._has_news else COPY_SECONDS, self._took / COPY_SHARE):
            self.write()

    def write(self) -> None:
        """Now. What keeps it from being written is said once, and the sweep goes on."""
        self._at, self._has_news = self.clock(), False
        try:
            self.record.copy_to(self.paths.copy)
        except (OSError, SweeperError) as error:
            if not self._has_complained:
                self.say(f"{self.paths.copy} could not be written: {error}")
            self._has_complained = True
        self._took = self.clock() - self._at


@dataclass
class DiskGuard:
    """Room on the sweep's disk: while it is short no trial starts, and a record that is full waits."""

    sweep: Sweep
    paths: SweepPaths
    say: Callable[[str], None]
    is_asked_to_stop: Callable[[], bool]
    sleep: Callable[[float], None] = time.sleep
    least: int = ROOM_BYTES
    _largest: int = 0
    _waited: float = 0.0

    def on_event(self, event: Event, history: SweepHistory) -> None:
        """How large a checkpoint gets."""
        checkpoint = event.report.checkpoint if isinstance(event, Reported) else None
        if checkpoint:
            with contextlib.suppress(OSError):
                files = Path(checkpoint).iterdir()
                self._largest = max(self._largest, sum(file.stat().st_size for file in files))

    def look(self) -> None:
        """Hold back new attempts while each running one and one more could not write two checkpoints."""
        needed = self.least + 2 * (self.sweep.live + 1) * self._largest
        free = self._free()
        if free < needed and not self.sweep.held:
            self.sweep.held = "disk"
            self.say(
                f"{self.paths.root} has {_megabytes(free)} free: no trial starts until there are "
                f"{_megabytes(needed)}; those that run go on"
            )
        elif free >= needed and self.sweep.held:
            self.sweep.held = ""
            self.say(f"{self.paths.root} has {_megabytes(free)} free: trials start again")

    def wait(self, error: sqlite3.Error) -> None:
        """A second, at most an hour in all; PreflightError when that is over, or somebody wants an end."""
        if self._waited >= STUCK_SECONDS or self.is_asked_to_stop():
            self._waited = STUCK_SECONDS  # closing the record would wait for as long
            raise PreflightError(
                f"the record cannot be written: {error} ({_megabytes(self._free())} free)",
                where=str(self.paths.root),
                hint=f"make room, then `sweeper resume {self.paths.name}`: nothing that it holds is lost",
            ) from error
        if not self._waited:
            self.say(f"{self.paths.root}: the record waits ({error}, {_megabytes(self._free())} free)")
        self._waited += 1.0
        self.sleep(1.0)

    def _free(self) -> int:
        return shutil.disk_usage(self.paths.root).free


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
