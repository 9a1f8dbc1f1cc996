"""These errors are raised in place of a report that a lost worker could not give."""

from typing import ClassVar

from sweeper.errors import FailureKind, SweeperError


class Preempted(SweeperError, RuntimeError):
    """The worker was told to leave. It is not the trial's fault, and the trial goes on elsewhere."""

    failure_kind: ClassVar[FailureKind] = FailureKind.PREEMPTED


class NodeLost(SweeperError, RuntimeError):
    """The machine of the worker died."""

    failure_kind: ClassVar[FailureKind] = FailureKind.NODE_LOST
