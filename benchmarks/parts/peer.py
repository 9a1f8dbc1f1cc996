"""Another process of a benchmark, which measures when it is asked to."""

import subprocess
import sys


class Peer:
    """A script in a process of its own, which answers each line with a number."""

    def __init__(self, script: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def hear(self) -> float:
        """Its next number."""
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def ask(self) -> float:
        """A line to it, and its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.hear()

    def end(self) -> None:
        """No more lines: it ends by itself."""
        self._process.communicate()
