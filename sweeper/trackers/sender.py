"""The sender is a thread that tells a tracker what the record's outbox holds, and never hurts the sweep.

It has its own connection to the record (SQLite lets one process read and write through several) and its
own back-off. Whatever the service does (down, slow, hanging, answering nonsense), rows stay in the outbox
and the sweep does not notice.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np

from sweeper.errors import SweeperError
from sweeper.store.record import OutboxRow
from sweeper.trackers import Refused, Tracker
from sweeper.trial import derive

_log = logging.getLogger(__name__)
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
_IDLE = 1.0  # seconds between looks at an empty outbox
_PAUSE = 2.0  # between batches: what gathers meanwhile is one request a run, and each costs MLflow 30 ms
_BATCH = 2000  # rows: the more at once, the fewer requests for each run


class Outbox(Protocol):
    """The part of `sweeper.store.record.Record` that is used here; each thread opens its own."""

    def pending(self, limit: int = 500) -> Sequence[OutboxRow]:
        """Return the oldest rows that are not confirmed."""
        ...

    def pending_count(self) -> int:
        """Return how many rows are not confirmed."""
        ...

    def delivered(self, ids: Iterable[int]) -> None:
        """Confirm the rows."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Delivery:
    """One outbox and one tracker, without a thread: `step` sends what is due and says when to come back.

    Rows that the tracker refuses for good are passed over (and stay pending, so that they are counted),
    so that one bad row does not hold up all that follow.
    """

    def __init__(self, outbox: Outbox, open_tracker: Callable[[], Tracker], *, seed: int = 0) -> None:
        self._outbox = outbox
        self._open_tracker = open_tracker
        self._tracker: Tracker | None = None
        self._random = np.random.default_rng(derive(seed, "outbox"))
        self._failures = 0
        self._refused: set[int] = set()
        self.problem = ""

    def step(self) -> float:
        """Send at most one batch.

        Return the seconds to wait before the next (0: there may be more at once).
        """
        try:
            rows = self._due()
            if not rows:
                return _IDLE
            for trial, group in _by_trial(rows).items():
                self._send(trial, group)
        except SweeperError as error:
            self.problem = str(error)
            return self._back_off()
        self._failures, self.problem = 0, ""
        return 0.0

    def _due(self) -> list[OutboxRow]:
        rows = self._outbox.pending(_BATCH + len(self._refused))
        return [row for row in rows if row.id not in self._refused]

    def _send(self, trial: str, rows: Sequence[OutboxRow]) -> None:
        if self._tracker is None:
            self._tracker = self._open_tracker()
        try:
            self._tracker.deliver(trial, rows)
        except Refused as error:
            self._refused.update(row.id for row in rows)
            _log.warning("tracking refused %d rows of trial %s: %s", len(rows), trial or "(sweep)", error)
            return
        self._outbox.delivered([row.id for row in rows])

    def _back_off(self) -> float:
        """Return 1, 2, 4 ...

        60 s, each between half and the whole of it, so that sweeps do not return as one.
        """
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        return longest * float(self._random.uniform(0.5, 1.0))


def deliver_all(delivery: Delivery, *, is_over: Callable[[], bool]) -> bool:
    """Send until nothing is due or it `is_over`; return whether nothing is left to try."""
    while not is_over():
        wait = delivery.step()
        if delivery.problem:
            return False
        if wait > 0:
            return True
    return False


class Sender:
    """`Delivery` in a thread of its own, which opens the outbox and loads the tracker's library itself."""

    def __init__(
        self,
        open_outbox: Callable[[], Outbox],
        open_tracker: Callable[[], Tracker],
        *,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_outbox = open_outbox
        self._open_tracker = open_tracker
        self._seed = seed
        self._clock = clock
        self._wake = threading.Event()
        self._is_hurried = threading.Event()
        self._is_drained = threading.Event()
        self._is_stopped = threading.Event()
        self._delivery: Delivery | None = None
        self._thread = threading.Thread(target=self._run, name="sweeper-outbox", daemon=True)

    def start(self) -> None:
        """Begin to send, once.

        It returns at once: nothing is imported or connected in the caller's thread.
        """
        if self._thread.ident is None:
            self._thread.start()

    @property
    def problem(self) -> str:
        """Why the last delivery failed, "" while all is well; for the console."""
        return self._delivery.problem if self._delivery else ""

    def flush(self, timeout: float) -> int:
        """Send what there is, for `timeout` seconds at most; return how many rows are left in the outbox."""
        if self._thread.is_alive():
            deadline = self._clock() + timeout
            self._is_drained.clear()
            self._is_hurried.set()
            self._wake.set()
            while self._thread.is_alive() and (left := deadline - self._clock()) > 0:
                if self._is_drained.wait(min(left, 0.2)):
                    break
        outbox = self._open_outbox()
        try:
            return outbox.pending_count()
        finally:
            outbox.close()

    def close(self, timeout: float = 1.0) -> None:
        """End the thread. One that hangs in the network is left alone: it dies with the process."""
        self._is_stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        outbox = self._open_outbox()
        try:
            self._delivery = Delivery(outbox, self._open_tracker, seed=self._seed)
            while not self._is_stopped.is_set():
                is_hurried = self._is_hurried.is_set()
                wait = self._delivery.step()
                if is_hurried and wait > 0:
                    if not self._delivery.problem:
                        self._is_hurried.clear()
                        self._is_drained.set()
                    wait = min(wait, _FIRST_WAIT)  # somebody waits for us: try each second
                elif not is_hurried:
                    wait = max(wait, _PAUSE)
                if wait > 0:
                    self._wake.wait(wait)
                    self._wake.clear()
        finally:
            outbox.close()


def _by_trial(rows: Iterable[OutboxRow]) -> dict[str, list[OutboxRow]]:
    """Group the rows by trial in order of appearance: the sweep's own run comes before those nested in it."""
    groups: dict[str, list[OutboxRow]] = {}
    for row in rows:
        groups.setdefault(row.trial, []).append(row)
    return groups
