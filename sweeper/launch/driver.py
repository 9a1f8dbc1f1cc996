"""The process that drives a sweep: lease, heartbeat, display, tracking, signals, and the final test."""

import contextlib
import signal
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from types import FrameType

from sweeper.config.run_options import RunOptions
from sweeper.config.spec import SweepSpec
from sweeper.launch.disk import Copies, DiskGuard
from sweeper.launch.live_snapshot import Driven, LiveSnapshot, moment_of
from sweeper.launch.wishes import Wishes
from sweeper.store import lease
from sweeper.store.events import AttemptStarted, Event, FinalBegun, SearchEnded
from sweeper.store.history import SweepHistory
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trackers.console import Console
from sweeper.trackers.sender import Sender
from sweeper.trial import State

BEAT_SECONDS = 10.0
LOOK_SECONDS = 0.5
FLUSH_SECONDS = 30.0
PARTING_SECONDS = 10.0
"""What the sender may take to end where a launch fails: a thread that Python ends in the middle of MLflow's
import aborts the process, and its exit code with it."""
STOPPING = "stopping: running trials pause at their next report (once more: end them now)"
ENDING_NOW = "ending every trial now; each goes on from its last checkpoint when the sweep is resumed"


@dataclass
class Ending:
    """How a launch ended. `undelivered` counts outbox rows that no tracker has confirmed.

    `is_told` says that MLflow has confirmed all of it, so that the sweep's run can be added to.
    """

    exit_code: int
    why: str
    undelivered: int
    problem: str = ""
    is_told: bool = False


@dataclass
class Driver:
    """Drives one launch of a sweep: lease, heartbeat, display, tracking, signals and final test."""

    sweep: Sweep
    record: Record
    paths: SweepPaths
    console: Console
    sender: Sender
    options: RunOptions = field(default_factory=RunOptions)
    _beat_at: float = 0.0
    _look_at: float = 0.0
    _copy: Copies = field(init=False)
    _room: DiskGuard = field(init=False)
    _live: LiveSnapshot = field(init=False)
    _wishes: Wishes = field(init=False)
    _signals: int = 0
    _is_cancelled: bool = False
    _is_concluding: bool = False

    def __post_init__(self) -> None:
        """Set up the snapshots, the record's copy, the disk guard and the requests about single trials."""
        self._wishes = Wishes(self.sweep, self.paths.root, self.console.note)
        self._live = LiveSnapshot(Driven(self.sweep))
        self._copy = Copies(self.record, self.paths, self.console.note)
        self._room = DiskGuard(self.sweep, self.paths, self.console.note, self._has_been_asked)

    @contextlib.contextmanager
    def in_charge(self) -> Generator[None]:
        """Drive the sweep for the block, which runs its trials; the record is closed in any case."""
        self.record.claim()
        self.record.when_stuck = self._room.wait
        with self._parting(), self.console, self._signals_caught():
            try:
                yield
            finally:
                self.sweep.close()
        self._copy.write()

    @contextlib.contextmanager
    def _parting(self) -> Generator[None]:
        """End the sender where the block fails, and tell people; an interrupt does not wait for it."""

        def end(kind: type[BaseException] | None, *_: object) -> None:
            if kind and issubclass(kind, Exception):
                self.sender.close(PARTING_SECONDS)
                self._tell_end(f"broken off by {kind.__name__}")

        with contextlib.ExitStack() as stack:
            stack.push(end)
            yield

    def conclude(self, test: Callable[[], None]) -> None:
        """Test the winner of a sweep that ran to its end. No trial runs, so the first Ctrl-C ends that."""
        self.sender.start()
        if self.sweep.is_complete:
            self._is_concluding = True
            test()

    def pulse(self) -> bool:
        """Do what is due. The runner calls it several times a second; it is cheap unless something is due."""
        now = time.monotonic()
        if now - self._look_at >= LOOK_SECONDS:
            self._look_at = now
            self.sender.start()  # not before: nobody is told of a sweep whose runner did not begin
            self._room.look()
            self._obey_requests()
            self._show()
        if now - self._beat_at >= BEAT_SECONDS:
            self._beat_at = now
            self.sweep.beat()
        self._copy.write_if_due()
        return self._is_cancelled

    def on_event(self, event: Event, history: SweepHistory) -> None:
        """Show what just happened; it is a listener of the sweep."""
        self._live.on_event(event, history)
        self._copy.on_event(event)
        self._room.on_event(event, history)
        moment = moment_of(event, history)
        if moment is not None:
            self.console.moment(moment)

    def finish(self) -> Ending:
        """Give tracking a bounded time to catch up, and let go of everything."""
        self._tell_end(self.sweep.history.closed)
        undelivered = self.sender.flush(FLUSH_SECONDS)
        problem = self.sender.problem if undelivered else ""
        self.sender.close()
        if self.options.metrics:
            self.options.metrics.close()
        code, why = self._exit_code(undelivered), self.sweep.history.closed
        return Ending(code, why, undelivered, problem, is_told=not undelivered)

    def _exit_code(self, undelivered: int) -> int:
        if self.sweep.stopping:
            return 143 if self.sweep.stopping == "SIGTERM" else 130
        if self.sweep.has_failed:
            return 6
        has_failed = any(trial.state is State.FAILED for trial in self.sweep.history.trials.values())
        return 3 if has_failed else 7 if undelivered else 0

    def _has_been_asked(self) -> bool:
        return self._signals > 0 or lease.requested(self.paths.root) is not None

    def _obey_requests(self) -> None:
        request = lease.requested(self.paths.root)
        if request:
            self.sweep.stop(request)
        if request == "cancel":
            self._is_cancelled = True
        self._wishes.look()

    def _show(self) -> None:
        snapshot = self._live.take(undelivered=self.record.pending_count(), problem=self.sender.problem)
        self.console.update(snapshot)
        if self.options.metrics:
            self.options.metrics.update(snapshot)
        if self.options.words:
            for problem in self.options.words.update(snapshot):
                self.console.note(problem)

    def _tell_end(self, why: str) -> None:
        if self.options.words:
            words = self.options.words
            for problem in (*words.update(self._live.take()), *words.end(why)):
                self.console.note(problem)

    @contextlib.contextmanager
    def _signals_caught(self) -> Generator[None]:
        """Let the first Ctrl-C stop gracefully, the second end every trial, and the third end the process.

        While the winner is tested no trial runs, so the first one ends that.
        """
        held = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in held.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 2:
            raise KeyboardInterrupt
        self._is_cancelled = self._signals == 2
        self.sweep.stop(signal.Signals(number).name)
        if self._is_concluding:
            raise KeyboardInterrupt
        with contextlib.suppress(RuntimeError):  # the signal came while a line was being printed
            self.console.note(ENDING_NOW if self._is_cancelled else STOPPING)


class Announcer:
    """Tells users once what they should know: why the search ended, and which limit cannot hold."""

    def __init__(self, spec: SweepSpec, say: Callable[[str], None]) -> None:
        self._spec = spec
        self._say = say
        self._is_price_missed = False
        self._since: float | None = time.monotonic()

    def __call__(self, event: Event, history: SweepHistory) -> None:
        """Look at the event; it is a listener of the sweep."""
        if isinstance(event, SearchEnded):
            self._say(f"the search is over: {history.enough}")
        elif isinstance(event, FinalBegun):
            seeds = self._spec.final.seeds if self._spec.final else 0
            self._say(f"final: the best {len(history.finalists)} are trained in full with {seeds} seeds more")
        elif isinstance(event, AttemptStarted):
            self._started(event)

    def _started(self, event: AttemptStarted) -> None:
        if self._since is not None:
            seconds, self._since = time.monotonic() - self._since, None
            self._say(f"the first trial has its device, {seconds:.0f} s after the images were ready")
        if self._spec.budget.usd and not self._is_price_missed:
            self._is_price_missed = event.grant.usd_per_hour is None
            if self._is_price_missed:
                self._say(
                    f"budget.usd cannot hold: nobody knows what {event.grant.device} on "
                    f"{event.grant.node} costs (--usd-per-gpu-hour says it)"
                )
