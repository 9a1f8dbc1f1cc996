"""One error family: each message says what is wrong, where, and what to do next."""

import contextlib
from collections.abc import Generator, Iterator, Sequence
from enum import StrEnum
from typing import Any, ClassVar


class FailureKind(StrEnum):
    """Why an attempt ended before its trial was trained; `NONE` where it was trained, or stopped early.

    `INTERRUPTED` to `RETRIED` are no failures: the driver or a person ended the attempt, or nothing
    promoted the trial.
    """

    NONE = ""
    ERROR = "error"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    VERSION_SKEW = "version_skew"
    HUNG = "hung"
    STORAGE = "storage"
    GPU_LOST = "gpu_lost"
    WORKER_LOST = "worker_lost"
    PREEMPTED = "preempted"
    DRIVER_LOST = "driver_lost"
    NODE_LOST = "node_lost"
    INTERRUPTED = "interrupted"
    BUDGET = "budget"
    UNPROMOTED = "unpromoted"
    RETRIED = "retried"

    @classmethod
    def _missing_(cls, value: object) -> "FailureKind":
        """Keep a word of another version or of a plug-in's own error; it has no retries."""
        unknown = str.__new__(cls, str(value))
        unknown._name_, unknown._value_ = "UNKNOWN", str(value)
        return unknown

    @property
    def retries(self) -> float:
        """How many attempts of a trial may be lost to it; 0 where another attempt would end alike."""
        return _RETRIES.get(self, 0)

    @property
    def is_outside(self) -> bool:
        """Whether the cause lies in the machines: a full disk fails twice at the same line of any trial."""
        return self in _OUTSIDE

    @property
    def is_preemption(self) -> bool:
        """Whether the attempt was taken away, so that what it did since its last checkpoint is done again."""
        return self in _PREEMPTIONS


_RETRIES: dict[FailureKind, float] = {
    FailureKind.PREEMPTED: float("inf"),
    FailureKind.DRIVER_LOST: float("inf"),
    FailureKind.INTERRUPTED: float("inf"),
    FailureKind.NODE_LOST: 5,
    FailureKind.WORKER_LOST: 5,
    FailureKind.STORAGE: 5,
    FailureKind.HUNG: 5,
    FailureKind.GPU_LOST: 5,
    FailureKind.VERSION_SKEW: 2,
    FailureKind.OUT_OF_MEMORY: 1,
    FailureKind.ERROR: 1,
}
_PREEMPTIONS = (FailureKind.PREEMPTED, FailureKind.DRIVER_LOST, FailureKind.NODE_LOST)
_OUTSIDE = frozenset(
    (
        *_PREEMPTIONS,
        FailureKind.INTERRUPTED,
        FailureKind.WORKER_LOST,
        FailureKind.STORAGE,
        FailureKind.GPU_LOST,
        FailureKind.VERSION_SKEW,
    )
)


_MEMORY = (
    "out of memory",  # CUDA, HIP, MPS; NCCL puts it in quotes
    "out_of_memory",  # NVRTC
    "status_alloc_failed",  # cuBLAS, cuDNN, cuSOLVER
    "can't allocate memory",  # the CPU's allocator
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the device, or the machine, had too little memory, by whichever library says so."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY)


class SweeperError(Exception):
    """Base of every error that a user is meant to read; the command line prints it as one line.

    `exit_code` is what the process ends with, `failure_kind` which budget a trial draws on that
    fails with it. The fields survive pickling, so an error raised in a worker arrives whole.
    """

    exit_code: ClassVar[int] = 1
    failure_kind: ClassVar[FailureKind] = FailureKind.ERROR

    def __init__(self, problem: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """`where: problem; hint`, leaving out what is empty."""
        located = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{located}; {self.hint}" if self.hint else located

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from the fields: pickle's default would lose the keyword arguments."""
        return _rebuild, (type(self), dict(vars(self)))


def _rebuild(kind: type[SweeperError], fields: dict[str, str]) -> SweeperError:
    return kind(fields.pop("problem"), **fields)


class SpecError(SweeperError, ValueError):
    """The sweep file, an override or an option says something that cannot be meant.

    `path` is the key that it is about, as dotted as whoever raises it knows it; `part` says whose key
    that is, such as `scheduler 'asha'`. `others` are further mistakes of the same file.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        hint: str = "",
        path: str = "",
        part: str = "",
        others: Sequence["SpecError"] = (),
    ) -> None:
        super().__init__(problem, where=where, hint=hint)
        self.path = path
        self.part = part
        self.others = tuple(others)

    def __str__(self) -> str:
        """Return the message; the key stands for the place as long as the file is unknown."""
        words = ": ".join(word for word in (self.part, self.path, self.problem) if word)
        line = f"{self.where}: {self.problem}" if self.where else words
        more = len(self.others)
        places = ", ".join(dict.fromkeys(other.where or other.path for other in self.others[:5]))
        counted = f"and {more} more problem{'s' if more > 1 else ''} ({places})" if more else ""
        return "; ".join(word for word in (line, self.hint, counted) if word)

    def each(self) -> "list[SpecError]":
        """Return every mistake by itself, this one first."""
        alone = SpecError(self.problem, where=self.where, hint=self.hint, path=self.path, part=self.part)
        return [alone, *(one for other in self.others for one in other.each())]

    def at(self, path: str, where: str) -> "SpecError":
        """Return the same error about a whole path, with the line in which it stands."""
        words = ": ".join(word for word in (path, self.part, self.problem) if word)
        return SpecError(words, where=where, hint=self.hint, path=path, others=self.others)


class Mistakes:
    """Collects what is wrong with one file, so that all of it can be mended at once."""

    def __init__(self) -> None:
        self.found: list[SpecError] = []

    def __iter__(self) -> Iterator[SpecError]:
        """Iterate over every mistake by itself, in the order in which they were found."""
        return iter(self.found)

    @contextlib.contextmanager
    def collected(self) -> Generator[None]:
        """Keep the SpecError that the block raises, and go on after the block."""
        try:
            yield
        except SpecError as error:
            self.found += error.each()

    def refuse(self) -> None:
        """Raise the first mistake, with all others, where there is one."""
        if self.found:
            raise together(self.found)


def together(mistakes: Sequence[SpecError]) -> SpecError:
    """Return the first mistake, with the others; there must be one."""
    (first, *others) = mistakes
    return SpecError(
        first.problem, where=first.where, hint=first.hint, path=first.path, part=first.part, others=others
    )


class DataError(SweeperError, ValueError):
    """The images cannot be read, or are not what the sweep file says they are."""

    exit_code = 2


class BudgetError(SweeperError, ValueError):
    """The plan does not fit the budget."""

    exit_code = 2


class MissingExtraError(SweeperError, ImportError):
    """An optional package is absent; the hint is the command that installs it."""

    exit_code = 2


class PreflightError(SweeperError, RuntimeError):
    """The sweep is well written, but this machine or cluster cannot run it now."""

    exit_code = 5


class StateError(SweeperError, RuntimeError):
    """A record or checkpoint is absent, damaged, or was written by a newer version."""

    exit_code = 2


class BusyError(SweeperError, RuntimeError):
    """Another launcher owns the sweep."""

    exit_code = 75
