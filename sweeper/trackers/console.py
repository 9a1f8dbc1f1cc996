"""The console shows a live table on a terminal; anywhere else it prints one line for each trial that ends."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console as RichConsole
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from sweeper.trackers.live_picture import picture
from sweeper.trackers.moment_lines import moment_line, status_line
from sweeper.trackers.snapshot import Happening, Moment, Snapshot
from sweeper.trial import Decision
from sweeper.wording import duration_text, plain, redacted


class Console(Protocol):
    """What the driver of a sweep tells people. A context manager; cheap to call often."""

    def moment(self, moment: Moment) -> None:
        """Show that something happened to a trial."""
        ...

    def update(self, snapshot: Snapshot) -> None:
        """Show how the sweep stands now."""
        ...

    def note(self, text: str) -> None:
        """Show a sentence that stays on the screen."""
        ...

    def __enter__(self) -> "Console":
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was found."""
        ...


def open_console(metric: str, *, stream: TextIO | None = None, is_quiet: bool = False) -> Console:
    """Return a live display where the stream is a terminal, else plain lines; progress goes to stderr."""
    out = stream or sys.stderr
    rich = RichConsole(file=out)
    if is_quiet or not rich.is_terminal or rich.is_dumb_terminal:
        return PlainConsole(metric, out, is_quiet=is_quiet)
    return LiveConsole(metric, rich)


class PlainConsole:
    """Prints a line for each trial that ends or pauses, and how the sweep stands twice a minute."""

    def __init__(
        self,
        metric: str,
        stream: TextIO,
        *,
        seconds_between: float = 30.0,
        is_quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metric = metric
        self._stream = stream
        self._between = seconds_between
        self._is_quiet = is_quiet
        self._clock = clock
        self._last = clock()
        self._said = ""

    def moment(self, moment: Moment) -> None:
        """Print a line if the trial ended, paused or was started again."""
        is_paused = moment.verdict is not None and moment.verdict.decision is Decision.PAUSE
        is_restarted = moment.kind is Happening.STARTED and moment.attempt > 1
        if not self._is_quiet and (moment.kind is Happening.ENDED or is_paused or is_restarted):
            self.note(moment_line(moment, self._metric))

    def update(self, snapshot: Snapshot) -> None:
        """Print a line if the last one is half a minute old or tracking has a new problem."""
        if self._is_quiet:
            return
        if snapshot.tracking_problem and snapshot.tracking_problem != self._said:
            self._said = snapshot.tracking_problem
            self.note(f"tracking waits, the sweep goes on: {plain(snapshot.tracking_problem)}")
        now = self._clock()
        if now - self._last >= self._between:
            self._last = now
            self.note(status_line(snapshot))

    def note(self, text: str) -> None:
        """Print a line at once."""
        print(plain(redacted(text)), file=self._stream, flush=True)

    def __enter__(self) -> "PlainConsole":
        """Prepare nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put nothing back."""


class LiveConsole:
    """A table that is redrawn once a second; ended trials scroll by above it.

    Drawing it takes 7 ms with 64 running trials, which is why it is not drawn more often.
    """

    def __init__(self, metric: str, rich: RichConsole, clock: Callable[[], float] = time.monotonic) -> None:
        self._metric = metric
        self._rich = rich
        self._clock = clock
        self._said_at = clock()
        self._snapshot: Snapshot | None = None
        self._live = Live(
            console=rich,
            get_renderable=self._picture,
            refresh_per_second=1,
            transient=True,
            redirect_stderr=False,
        )

    def moment(self, moment: Moment) -> None:
        """Print ended trials above the table."""
        if moment.kind is Happening.ENDED:
            self.note(moment_line(moment, self._metric))

    def update(self, snapshot: Snapshot) -> None:
        """Draw how the sweep stands, within a second."""
        self._snapshot = snapshot

    def note(self, text: str) -> None:
        """Print a line above the table."""
        self._said_at = self._clock()
        self._rich.print(Text(plain(redacted(text))))

    def _picture(self) -> RenderableType:
        """Return the table, below how long the last line has been true as long as no trial has a device."""
        table = picture(self._snapshot, self._rich.width) if self._snapshot else Text("")
        if self._snapshot and (self._snapshot.running or self._snapshot.finished):
            return table
        waiting = f"... {duration_text(self._clock() - self._said_at)}, no trial has a device yet"
        return Group(Text(waiting, style="dim"), table)

    def __enter__(self) -> "LiveConsole":
        """Take over the lower part of the terminal."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back, also after an error."""
        self._live.stop()
