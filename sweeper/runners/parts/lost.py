"""How a worker is taken away: what is raised in place of the report that it could not give."""

from typing import ClassVar

from sweeper.errors import FailureKind, SweeperError


class Preempted(SweeperError, RuntimeError):
    """The worker was told to leave; nobody is to blame, and the trial goes on elsewhere."""

    failure_kind: ClassVar[FailureKind] = FailureKind.PREEMPTED


class NodeLost(SweeperError, RuntimeError):
    """The machine of the worker died."""

    failure_kind: ClassVar[FailureKind] = FailureKind.NODE_LOST
