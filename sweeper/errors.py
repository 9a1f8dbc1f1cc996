"""One error family: each message says what is wrong, where, and what to do next."""

from typing import Any, ClassVar


class SweeperError(Exception):
    """Base of every error that a user is meant to read; the command line prints it as one line.

    `exit_code` is what the process ends with, `failure_kind` which budget a trial draws on that
    fails with it. The fields survive pickling, so an error raised in a worker arrives whole.
    """

    exit_code: ClassVar[int] = 1
    failure_kind: ClassVar[str] = "error"

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
        return _rebuild, (type(self), self.problem, self.where, self.hint)


def _rebuild(kind: type[SweeperError], problem: str, where: str, hint: str) -> SweeperError:
    return kind(problem, where=where, hint=hint)


class SpecError(SweeperError, ValueError):
    """The sweep file, an override or an option says something that cannot be meant."""

    exit_code = 2


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
