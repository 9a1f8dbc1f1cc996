"""One worker process on this machine: started when it is needed, and used again until it breaks."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, ClassVar

import cloudpickle

from sweeper.errors import FailureKind, SweeperError
from sweeper.runners.parts.worker_main import BatchCount, Call, Load, Setup
from sweeper.training.environment import CPU_WORKER, NVML_ORDER

_MAIN = "from sweeper.runners.parts.worker_main import main; main({}, {})"
_LAST_SECONDS = 5.0
"""How long a process that has closed its connection, or was killed, may take to end."""
_LOOK_SECONDS = 0.5


class WorkerLost(SweeperError, RuntimeError):
    """The worker's process ended, or cannot be started."""

    failure_kind: ClassVar[FailureKind] = FailureKind.WORKER_LOST


class WorkerProcess:
    """At most one process at a time. What it prints goes nowhere before `Setup` says where.

    `gpus` are those that it sees, as `CUDA_VISIBLE_DEVICES` names them; `batches` is its last sign of life.
    """

    def __init__(self, connection: Connection | None = None) -> None:
        """`connection` leads to a worker that somebody else has started; without it there is none yet."""
        self.gpus: Sequence[str] = ()
        self.batches: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._connection = connection
        self._setup: Setup | None = None

    @property
    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.poll() is None

    def start(self, gpus: Sequence[str] = ()) -> None:
        """A new process, in place of the one before. WorkerLost where the machine has no room for one."""
        self.kill()
        self._connection, theirs = Pipe()
        command = [sys.executable, "-P", "-c", _MAIN.format(theirs.fileno(), os.getpid())]
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is for the driver alone
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=_environment(gpus),
                )
        except OSError as error:
            raise WorkerLost(f"the worker cannot be started ({error})") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self.gpus, self._setup = tuple(gpus), None

    def prepare(self, gpus: Sequence[str], setup: Setup) -> None:
        """See to it that a process is there which sees these GPUs and knows the setup."""
        if not self.is_alive or self.gpus != tuple(gpus):
            self.start(gpus)
        if self._setup is not setup:
            self.send(setup)
            self._setup = setup

    def load(self, *modules: str) -> None:
        """Let it import these, without waiting for it."""
        self.send(Load(modules))

    def send(self, message: object) -> None:
        """Tell it something that `worker_main.serve` knows; WorkerLost where it has ended."""
        if self._connection is None:
            raise WorkerLost("there is no worker")
        try:
            self._connection.send_bytes(cloudpickle.dumps(message))
        except OSError as error:
            raise self._lost() from error

    def heard(self, seconds: float) -> Any | None:
        """Return what it says within so many seconds, None where it says nothing.

        WorkerLost where it has ended.
        """
        if self._connection is None:
            raise WorkerLost("there is no worker")
        try:
            if self._connection.poll(seconds):
                return self._without_signs(self._connection.recv())
        except (EOFError, OSError) as error:
            raise self._lost() from error
        if not self.is_alive and not self._connection.poll():
            raise self._lost()
        return None

    def _without_signs(self, said: Any) -> Any | None:
        """None of a mere sign of life."""
        if not isinstance(said, BatchCount):
            return said
        self.batches = said.batches
        return None

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return the function's value, computed in the process; SweeperError where either of them fails."""
        self.send(Call(function, args))
        while (answer := self.heard(_LOOK_SECONDS)) is None:
            pass
        if "failure" in answer:
            raise SweeperError(answer["failure"]["message"])
        return answer["value"]

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # it waits for storage that hangs
                self._process.wait(_LAST_SECONDS)
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None

    def _lost(self) -> WorkerLost:
        """Why it ended, in words."""
        process = self._process
        if process is None:
            return WorkerLost("there is no worker")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_SECONDS)
        log = self._setup.log if self._setup else None
        self.kill()
        code = process.returncode or 0
        name = signal.Signals(-code).name if code < 0 else ""
        memory = ", as the kernel does where memory runs out" if name == "SIGKILL" else ""
        how = f"was ended by {name}{memory}" if name else f"ended with exit code {code}"
        return WorkerLost(f"the worker {how}", hint=f"what it said is in {log}" if log else "")


def _environment(gpus: Sequence[str]) -> Mapping[str, str]:
    """Ours and that of a worker; it finds modules where we do."""
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    visible = {"CUDA_VISIBLE_DEVICES": ",".join(gpus), "PYTHONPATH": path}
    return {**os.environ, **CPU_WORKER, **NVML_ORDER, **visible}
