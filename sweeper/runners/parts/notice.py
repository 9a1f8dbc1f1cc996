"""SIGTERM is a notice here: the attempt has some seconds to reach its next report, then it leaves."""

import contextlib
import signal
import threading
from collections.abc import Generator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from sweeper.runners.parts.lost import Preempted

NOTICE_SECONDS = 18.0
"""Between the signal and the end of an attempt that reports nothing: two less than the 20 s promised."""


@dataclass
class Notice:
    """Listens for SIGTERM in a worker's main thread; elsewhere the signal ends the process as ever.

    While the worker has an attempt the signal is a notice: the next report is the last. An epoch that
    takes longer is cut off, and the trial goes on from the checkpoint before. A worker without an
    attempt ends at once, by the handler that was there before.
    """

    seconds: float = NOTICE_SECONDS
    is_given: bool = False
    has_attempt: bool = False
    _is_training: bool = False
    _before: Any = signal.SIG_DFL

    def listen(self) -> None:
        """Listen from now on, in this process."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._on_term)
            signal.signal(signal.SIGALRM, self._on_alarm)

    @contextlib.contextmanager
    def training(self) -> Generator[None]:
        """Allow the block to be cut off."""
        self._is_training = True
        try:
            yield
        finally:
            self._is_training = False

    def _on_term(self, number: int, frame: FrameType | None) -> None:
        if self.has_attempt:
            self.is_given = True
            signal.setitimer(signal.ITIMER_REAL, self.seconds)
        else:
            self._leave(frame)

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        if self._is_training:
            raise told_to_leave()
        self._leave(frame)

    def _leave(self, frame: FrameType | None) -> None:
        if callable(self._before):
            self._before(signal.SIGTERM, frame)
        raise SystemExit(128 + signal.SIGTERM)


def told_to_leave() -> Preempted:
    """Return the outcome of an attempt that was told to leave."""
    return Preempted("the worker was told to end (SIGTERM)")
