"""Which sweeps use this machine's cores: a locked file each, which the kernel frees when its process dies."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sweeper.files import appending
from sweeper.store.paths import cache_root


@dataclass(frozen=True, slots=True)
class Claim:
    """A sweep that runs here, by its folder, and the cores that it takes."""

    folder: str
    pid: int
    cores: int

    @property
    def sweep(self) -> str:
        """The name of the sweep."""
        return Path(self.folder).name


def claims() -> list[Claim]:
    """Every claim on this machine that some process holds now; those of the dead are removed."""
    found: list[Claim] = []
    for path in sorted(_folder().glob("*.json")):
        with contextlib.suppress(OSError), appending(path) as file:
            if _locked(file):
                path.unlink()  # nobody holds it any more
                continue
            file.seek(0)
            with contextlib.suppress(ValueError, TypeError):
                found.append(Claim(**json.loads(file.read())))
    return found


def a_second() -> None:
    """Let others work before they are looked at again."""
    time.sleep(1.0)


@contextlib.contextmanager
def claimed(
    sweep: Path, choose: Callable[[list[Claim]], int], pause: Callable[[], None] = a_second
) -> Generator[int]:
    """Hold so many cores as `choose` answers to the claims of others; with 0 it is asked again after a pause.

    `sweep` is the sweep's folder. A driver of the same sweep is no other: whoever gets here has taken over
    from it. One process looks and claims at a time. OSError where the cache cannot be written to.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        with appending(folder / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            cores = choose([each for each in claims() if each.folder != str(sweep)])
            if cores:
                held = _claim(folder, Claim(str(sweep), os.getpid(), cores))
                break
        pause()
    path, file = held
    with file:
        try:
            yield cores
        finally:
            path.unlink(missing_ok=True)


def _claim(folder: Path, claim: Claim) -> tuple[Path, IO[str]]:
    path = folder / f"{claim.pid}-{time.monotonic_ns()}.json"
    file = appending(path)
    fcntl.flock(file, fcntl.LOCK_EX)
    file.write(json.dumps(asdict(claim)))
    file.flush()
    return path, file


def _folder() -> Path:
    """One for each machine: a cache may be shared by several."""
    return cache_root() / "machines" / socket.gethostname()


def _locked(file: IO[str]) -> bool:
    """Whether the lock was free, and is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
