"""A worker says within an epoch that it still goes through batches."""

import contextlib
import threading
from collections.abc import Callable

from sweeper.data.handled import HANDLED

SECONDS = 15.0
"""Between two looks at the count; what has not changed is not said again."""


def tell_batches(tell: Callable[[int], None], seconds: float = SECONDS) -> None:
    """From now on `tell` hears of this process's count of batches, on a thread that ends with the process."""
    threading.Thread(target=_tell, args=(tell, seconds), name="signs-of-life", daemon=True).start()


def _tell(tell: Callable[[int], None], seconds: float) -> None:
    last, never = 0, threading.Event()
    while not never.wait(seconds):
        count = HANDLED.batches
        if count != last:
            last = count
            with contextlib.suppress(OSError, RuntimeError, ValueError):  # nobody listens any more
                tell(count)
