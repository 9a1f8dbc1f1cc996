"""The other end of a `WorkerProcess`: it does what it is told, one thing after the other.

The process dies with its driver, by the kernel's hand where it is in the middle of an epoch.
"""

import contextlib
import ctypes
import importlib
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum, auto
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sweeper.files import appending
from sweeper.runners import Workload
from sweeper.runners.parts.attempt_talk import AttemptTalk
from sweeper.runners.parts.leaks import Leaks, device_memory
from sweeper.runners.parts.notice import NOTICE_SECONDS, Notice
from sweeper.runners.parts.pack import FusibleWorkload
from sweeper.runners.parts.pack_talk import Join, Leave, PackTalk, Round
from sweeper.runners.parts.run_attempt import failure_caught
from sweeper.runners.parts.signs_of_life import tell_batches
from sweeper.trial import Trial

_PR_SET_PDEATHSIG = 1  # from sys/prctl.h


@dataclass(frozen=True)
class Setup:
    """What holds for every attempt of a worker; `device` is what it says of itself beside its process.

    What the process prints goes to the end of `log`. With `has_packs` its attempts train as one.
    """

    log: Path
    workload: Workload
    device: Mapping[str, Any] = field(default_factory=dict[str, Any])
    memory: Callable[[], int] | None = None
    notice_seconds: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    has_packs: bool = False

    def talk(self) -> AttemptTalk | PackTalk:
        """Who speaks for the worker from now on."""
        with appending(self.log) as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        notice = Notice(self.notice_seconds or NOTICE_SECONDS)
        notice.listen()
        leaks = Leaks(self.memory or device_memory, getattr(self.workload, "forget", lambda: None))
        if self.has_packs and isinstance(self.workload, FusibleWorkload):
            return PackTalk(self.workload, self._here, self.versions, leaks, notice)
        return AttemptTalk(self.workload, self._here, self.versions, leaks, notice)

    def _here(self) -> Mapping[str, Any]:
        gpus = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        device = self.device.get("device", "gpu") if gpus else "cpu"
        return {**self.device, "device": device, "pid": os.getpid(), "gpus": gpus}


class Order(Enum):
    """What a worker is told of its attempt: to say the next thing, or to stop."""

    NEXT = auto()
    END = auto()


@dataclass(frozen=True)
class Load:
    """Modules to import before they are needed, and without an answer."""

    modules: Sequence[str]


@dataclass(frozen=True)
class Call:
    """Something else to compute in the warm process."""

    function: Callable[..., Any]
    args: Sequence[Any]

    def answer(self) -> Mapping[str, Any]:
        """Its value, or how it failed."""
        with failure_caught() as failures:
            return {"value": self.function(*self.args)}
        return {"failure": asdict(failures[0])}


@dataclass(frozen=True)
class BatchCount:
    """A sign of life within an epoch, which answers nothing."""

    batches: int


@dataclass(frozen=True)
class _Shared:
    """The connection, on which a thread speaks too."""

    connection: Connection
    lock: threading.Lock = field(default_factory=threading.Lock)

    def recv(self) -> Any:
        return self.connection.recv()

    def send(self, message: object) -> None:
        with self.lock:
            self.connection.send(message)


def serve(connection: Connection) -> None:
    """Answer until the driver closes the connection. A trial's answer is the first thing it has to say."""
    talk: AttemptTalk | PackTalk | None = None
    shared = _Shared(connection)
    tell_batches(lambda count: shared.send(BatchCount(count)))
    while True:
        message = shared.recv()
        if isinstance(message, Setup):
            talk = message.talk()
        elif isinstance(message, Load):
            for name in message.modules:
                importlib.import_module(name)
        elif isinstance(message, Call):
            shared.send(message.answer())
        elif talk is None:
            raise RuntimeError("a worker is told of its workload first")
        elif isinstance(talk, PackTalk):
            _in_pack(talk, message, shared)
        elif message is Order.END:
            talk.end()
        else:
            if isinstance(message, Trial):
                talk.begin(message)
            shared.send(talk.next())


def _in_pack(talk: PackTalk, message: Join | Leave | Round, shared: _Shared) -> None:
    """Do with the worker's pack what the message says."""
    match message:
        case Join(key, trial):
            shared.send(talk.join(key, trial))
        case Leave(key):
            talk.leave(key)
        case Round():
            shared.send(talk.round())


def die_with(parent: int) -> None:
    """The kernel ends this process when its parent's ends, and before it where memory runs out."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit
    with contextlib.suppress(OSError), Path("/proc/self/oom_score_adj").open("r+") as file:
        file.write("1000")


def main(descriptor: int, parent: int) -> None:
    """The whole life of the process, whose end of the pipe is the file descriptor."""
    die_with(parent)
    with contextlib.suppress(EOFError, BrokenPipeError), Connection(descriptor) as opened:
        serve(opened)
