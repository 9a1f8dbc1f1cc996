"""The driver takes care of the sweep's disk here: a copy of the record, and enough room to write."""

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
    """Keeps a copy of the record in the sweep's folder, in case this machine and its record are lost."""

    record: Record
    paths: SweepPaths
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _at: float = field(init=False)
    _took: float = 0.0
    _has_news: bool = False
    _has_complained: bool = False

    def __post_init__(self) -> None:
        """Make the first copy due at once."""
        self._at = self.clock() - COPY_SECONDS

    def on_event(self, event: Event) -> None:
        """Make a copy due soon when an attempt ends."""
        self._has_news |= isinstance(event, AttemptEnded)

    def write_if_due(self) -> None:
        """Write a copy every minute, and ten seconds after the last one if an attempt has ended since."""
        age = self.clock() - self._at
        if age >= max(NEWS_SECONDS if self._has_news else COPY_SECONDS, self._took / COPY_SHARE):
            self.write()

    def write(self) -> None:
        """Write a copy now. If it cannot be written, that is said once, and the sweep goes on."""
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
    """Watches the room on the sweep's disk: while it is short, trials and writes to the record wait."""

    sweep: Sweep
    paths: SweepPaths
    say: Callable[[str], None]
    is_asked_to_stop: Callable[[], bool]
    sleep: Callable[[float], None] = time.sleep
    least: int = ROOM_BYTES
    _largest: int = 0
    _waited: float = 0.0

    def on_event(self, event: Event, history: SweepHistory) -> None:
        """Note how large a checkpoint gets."""
        checkpoint = event.report.checkpoint if isinstance(event, Reported) else None
        if checkpoint:
            with contextlib.suppress(OSError):
                files = Path(checkpoint).iterdir()
                self._largest = max(self._largest, sum(file.stat().st_size for file in files))

    def look(self) -> None:
        """Hold back new attempts while the disk is short.

        It is short as long as each running attempt and one more could not write two checkpoints.
        """
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
        """Wait a second, and an hour in all at most.

        PreflightError after that, or when a stop is requested.
        """
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
