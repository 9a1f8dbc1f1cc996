"""A lease lets one process launch a sweep: a lock that the kernel frees when its holder dies.

Others leave requests to the holder beside it.
"""

import contextlib
import errno
import fcntl
import getpass
import json
import os
import re
import signal
import socket
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from sweeper.errors import BusyError, PreflightError, StateError
from sweeper.files import appending, refuse_links, write_atomically
from sweeper.trial import Wish

Request = Literal["stop", "cancel"]
WRITTEN = ("checkpoints", "checkpoints/*", "tune")
"""Folders of a sweep that are written to, and may not be links: a stranger's could lead to your own files."""
LOOKS = 200  # x 5 ms: for as long a launcher yields to those who ask who owns the sweep


_OF_A_TRIAL = re.compile(rf"\.request-(\d+)-({'|'.join(Wish)})$")


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """What somebody asked of the trial of that number; `by` is `user@host`."""

    number: int
    wish: Wish
    by: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds the lease; `since` is wall time."""

    host: str
    pid: int
    since: str


@contextlib.contextmanager
def held(root: Path) -> Generator[None]:
    """Own the sweep in `root` for as long as the block lasts; BusyError names who owns it already."""
    with _opened(root) as file:
        _lock(file, root)
        for left in root.glob(".request*"):
            left.unlink(missing_ok=True)
        file.truncate(0)
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        owner = json.dumps(asdict(Owner(socket.gethostname(), os.getpid(), now)))
        try:
            os.write(file.fileno(), owner.encode())  # unbuffered: a full disk is met here, and not once more
        except OSError as error:
            hint = f"make room, then type it again: nothing of {root.name} is lost"
            problem = f"cannot be written to ({error.strerror})"
            raise PreflightError(problem, where=str(root), hint=hint) from error
        try:
            yield
        finally:
            file.truncate(0)


def _opened(root: Path) -> IO[str]:
    """The lease's file; PreflightError where it, or another place that a driver writes to, is not ours."""
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        refuse_links(*(folder for place in WRITTEN for folder in root.glob(place)))
        return appending(root / ".lease")
    except OSError as error:
        mine = "copy its folder into runs/ of your own, or choose another one: SWEEPER_RUNS=/another/folder"
        hint = "remove it; a whole sweep's folder may be a link" if error.errno == errno.ELOOP else mine
        problem = f"cannot be written to ({error.strerror or error})"
        raise PreflightError(problem, where=str(error.filename or root), hint=hint) from error


def refuse_if_owned(root: Path) -> None:
    """Raise BusyError where a process runs the sweep now.

    It is a cheap look before work that would be in vain.
    """
    if owner(root):
        raise busy(root)


def owner(root: Path) -> Owner | None:
    """Return who runs the sweep now; None where no process does."""
    path = root / ".lease"
    try:
        if not path.is_file():
            return None
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _named(file.read())
    except OSError as error:
        hint = "its owner may let you read it, or copy its folder into runs/ of your own"
        raise StateError(f"cannot be read ({error.strerror or error})", where=str(path), hint=hint) from error
    return None


def _named(text: str) -> Owner:
    """Who holds the lease, as far as it has written that."""
    try:
        fields = json.loads(text)
        return Owner(str(fields["host"]), int(fields["pid"]), str(fields["since"]))
    except (KeyError, TypeError, ValueError):
        return Owner("unknown", 0, "just now")


def ask_owner(root: Path, request: Request) -> None:
    """Leave a request where the owner looks for it about once a second."""
    write_atomically(root / ".request", request)


def requested(root: Path) -> Request | None:
    """Return what the owner has been asked for, if anything."""
    try:
        text = (root / ".request").read_text()
    except FileNotFoundError:
        return None
    return "cancel" if text == "cancel" else "stop"


def ask_for_trial(root: Path, number: int, wish: Wish) -> None:
    """Leave a request about one trial, in this user's name."""
    write_atomically(root / f".request-{number}-{wish}", asker())


def asker() -> str:
    """Return who this is, as the record names those who asked for something: `user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no name for this number
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def taken_trial_requests(root: Path) -> list[TrialRequest]:
    """Take the requests about single trials away, and return them in the order in which they came."""
    found = {path: named for path in root.glob(".request-*") if (named := _OF_A_TRIAL.match(path.name))}
    requests: list[TrialRequest] = []
    for path in sorted(found, key=lambda path: path.stat().st_mtime_ns):
        requests.append(TrialRequest(int(found[path][1]), Wish(found[path][2]), path.read_text()[:200]))
        path.unlink()
    return requests


def take_over(root: Path, patience: float = 30.0) -> None:
    """Make the sweep's owner let go: ask first, and end its process when it does not react.

    BusyError where the owner is on another machine, which only that machine can end.
    """
    holder = owner(root)
    if holder is None:
        return
    if holder.host != socket.gethostname():
        raise busy(root)
    ask_owner(root, "cancel")
    deadline = time.monotonic() + patience
    while owner(root) is not None and time.monotonic() < deadline:
        time.sleep(0.2)
    if owner(root) == holder:
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder.pid, signal.SIGKILL)  # it hangs or is stopped; the kernel frees the lock
        while owner(root) == holder:
            time.sleep(0.05)


def _lock(file: IO[str], root: Path) -> None:
    """Take the lock. It waits a little for `owner`, which only looks, and not at all for another launcher."""
    for _ in range(LOOKS):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if owner(root):
            break
        time.sleep(0.005)
    raise busy(root)


def busy(root: Path) -> BusyError:
    """The refusal that says who runs the sweep, and how to see or stop that."""
    holder = owner(root)
    if holder is None:
        problem = "another launcher owned it a moment ago"
    else:
        problem = f"already run by process {holder.pid} on {holder.host} since {holder.since}"
    hint = f"`sweeper status {root.name}` shows how it stands, `sweeper stop {root.name}` stops it"
    return BusyError(problem, where=root.name, hint=hint)
