import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FOREIGN = ("SWEEPER_", "MLFLOW_", "RAY_", "XDG_", "PYTEST_", "COLUMNS", "UECFOOD_", "VIRTUAL_ENV")


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One Ray of two CPUs for all tests that run trials in this process."""
    ray = pytest.importorskip("ray")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


@dataclass
class Machine:
    """A fresh user's account: an empty home, an empty folder, and the installed `sweeper`."""

    home: Path
    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`sweeper WORDS` in a session of its own, so that Ctrl-C reaches all of it, as on a terminal."""
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("sweeper")), *words],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """`sweeper WORDS` until it ends."""
        process = self.start(*words)
        out, err = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def interrupt(self, process: subprocess.Popen[str]) -> None:
        """Ctrl-C: the terminal tells every process of the foreground group."""
        os.killpg(process.pid, signal.SIGINT)

    def end(self) -> None:
        """Leave nothing running, whatever the test did."""
        for process in self.started:
            for member in _session(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            process.wait()

    def leftovers(self, seconds: float = 15) -> list[str]:
        """Processes that outlive the commands that started them; dying ones are given a moment."""
        deadline = time.monotonic() + seconds
        while (left := self._members()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    def _members(self) -> list[str]:
        found: list[str] = []
        for member in (member for process in self.started for member in _session(process.pid)):
            with suppress(FileNotFoundError, ProcessLookupError):
                found.append(Path(f"/proc/{member}/cmdline").read_text().replace("\0", " "))
        return found

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {**kept, "HOME": str(self.home)}


def _session(leader: int) -> list[int]:
    """The processes of a session; Ray's have groups of their own, but stay in it."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        with suppress(ValueError, ProcessLookupError, PermissionError):
            if os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The account that the tests of one module share."""
    fresh = Machine(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work"))
    try:
        yield fresh
    finally:
        fresh.end()


@pytest.fixture(scope="session")
def digits() -> str:
    """The sweep file that the README launches."""
    return str(REPOSITORY / "search_spaces" / "digits.yaml")
