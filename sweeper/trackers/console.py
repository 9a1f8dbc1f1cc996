"""The console shows a live table on a terminal; anywhere else it prints one line for each trial that ends."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeper.trackers.moment_lines import moment_line, status_line
from sweeper.trackers.snapshot import Happening, Moment, Snapshot
from sweeper.trial import Decision, State
from sweeper.wording import device_text, duration_text, plain, redacted, score_text

_MOST_ROWS = 12  # running trials shown; hundreds would push the rest off the screen


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
    """A table that is redrawn four times a second at most; ended trials scroll by above it."""

    def __init__(self, metric: str, rich: RichConsole) -> None:
        self._metric = metric
        self._rich = rich
        self._live = Live(console=rich, refresh_per_second=4, transient=True, redirect_stderr=False)

    def moment(self, moment: Moment) -> None:
        """Print ended trials above the table."""
        if moment.kind is Happening.ENDED:
            self.note(moment_line(moment, self._metric))

    def update(self, snapshot: Snapshot) -> None:
        """Draw how the sweep stands."""
        self._live.update(picture(snapshot))

    def note(self, text: str) -> None:
        """Print a line above the table."""
        self._rich.print(Text(plain(redacted(text))))

    def __enter__(self) -> "LiveConsole":
        """Take over the lower part of the terminal."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back, also after an error."""
        self._live.stop()


def picture(snapshot: Snapshot) -> Group:
    """The live display: a header, the running trials, the budgets."""
    parts: list[Text | Table] = [_header(snapshot), _running(snapshot)]
    if snapshot.budgets:
        parts.append(_budgets(snapshot))
    if snapshot.tracking_problem:
        late, problem = snapshot.undelivered, plain(snapshot.tracking_problem)
        said = f"tracking waits ({late} rows), the sweep goes on: {problem}"
        parts.append(Text(said, style="yellow"))
    return Group(*parts)


def _header(snapshot: Snapshot) -> Text:
    of = f" of {snapshot.planned}" if snapshot.planned else ""
    text = Text(plain(snapshot.sweep), style="bold", no_wrap=True, overflow="ellipsis")
    text.append(f"  {snapshot.finished}{of} trials done", style="not bold")
    for state, style in ((State.STOPPED, "cyan"), (State.FAILED, "red"), (State.PAUSED, "yellow")):
        if count := snapshot.states.get(state, 0):
            text.append(f", {count} {state}", style=f"not bold {style}")
    if snapshot.best:
        best = f"\nbest {snapshot.metric} {score_text(snapshot.metric, snapshot.best.score)}"
        text.append(best, style="not bold green")
        text.append(f" (trial {snapshot.best.number})  {plain(snapshot.best.label)}", style="not bold")
    spent = device_text(snapshot.billed_device_seconds, snapshot.has_gpu)
    money = f", {snapshot.usd:.2f} USD" if snapshot.usd else ""
    left = "" if snapshot.eta_seconds is None else f", about {duration_text(snapshot.eta_seconds)} left"
    text.append(
        f"\n{duration_text(snapshot.elapsed_seconds)} so far, {spent}{money}{left}", style="not bold dim"
    )
    return text


def _running(snapshot: Snapshot) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    for name in ("trial", "epoch", snapshot.metric, "seconds"):
        table.add_column(Text(name), justify="right", no_wrap=True)
    table.add_column("configuration", overflow="ellipsis", no_wrap=True, ratio=1)  # gets what is left
    for row in snapshot.running[:_MOST_ROWS]:
        score = score_text(snapshot.metric, row.score)
        cells = [str(row.number), str(row.epoch), score, f"{row.device_seconds:.0f}", plain(row.label)]
        table.add_row(*map(Text, cells))
    if (more := len(snapshot.running) - _MOST_ROWS) > 0:
        table.add_row("...", "", "", "", f"and {more} more")
    return table


def _budgets(snapshot: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, used in snapshot.budgets.items():
        bar = ProgressBar(total=1.0, completed=min(used, 1.0), width=30)
        table.add_row(Text(name, style="dim"), bar, f"{100 * used:.0f} %")
    return table
