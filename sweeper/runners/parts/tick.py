"""This keeps the driver's pulse going while its own thread trains: a timer's signal interrupts the epoch."""

import contextlib
import signal
import threading
import time
from collections.abc import Generator, Iterator
from types import FrameType

from sweeper.runners import Pulse, Workload
from sweeper.trial import Report, Trial

TICK_SECONDS = 0.5


class Cancelled(BaseException):
    """Every trial must end now. No `Exception`: training must not take it for a failure of its own."""


def watched(workload: Workload, pulse: Pulse) -> Workload:
    """The same workload; the pulse goes on while it trains, and can end it in mid-epoch."""

    def run(trial: Trial) -> Iterator[Report]:
        items = workload(trial)
        while True:
            with ticking(pulse):
                item = next(items, None)
            if item is None:
                return
            yield item

    return run


@contextlib.contextmanager
def ticking(pulse: Pulse, seconds: float = TICK_SECONDS) -> Generator[None]:
    """Inside the block the pulse is called every so often; Cancelled is raised there when it says so.

    This works only in a process's main thread, which alone receives signals; elsewhere nothing happens. The
    timer's earlier handler is put back afterwards.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def tick(number: int, frame: FrameType | None) -> None:
        if pulse():
            raise Cancelled

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, tick)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - time.monotonic() + began), interval)
