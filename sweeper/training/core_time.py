"""What the kernel says of this process's time on the cores, and of its wait for them."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

_THREADS = Path("/proc/self/task")
_NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class CoreTime:
    """Seconds of all threads so far: on a core, and ready to run while others had it.

    `waited` is 0 where the kernel does not count it (anything but Linux with schedstats). A process with the
    cores to itself hardly waits.
    """

    computed: float
    waited: float

    @classmethod
    def now(cls) -> "CoreTime":
        """Read a file for each thread: about 0.1 ms for ten."""
        waited = 0.0
        with contextlib.suppress(OSError):
            for thread in _THREADS.iterdir():
                with contextlib.suppress(OSError, ValueError, IndexError):  # a thread that has just ended
                    waited += int((thread / "schedstat").read_text().split()[1])
        return cls(time.process_time(), waited / _NANOSECONDS)

    def since(self, before: "CoreTime") -> dict[str, float]:
        """What a report says of the time between two moments; a thread that ended took its wait along."""
        return {
            "cpu_seconds": self.computed - before.computed,
            "core_wait_seconds": max(0.0, self.waited - before.waited),
        }
