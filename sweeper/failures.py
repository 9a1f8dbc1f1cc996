"""How often an attempt may fail, by cause, before its trial is given up."""

from collections.abc import Sequence

from sweeper.trial import Outcome, State

RETRIES: dict[str, float] = {
    "preempted": float("inf"),
    "driver_lost": float("inf"),
    "interrupted": float("inf"),
    "node_lost": 5,
    "worker_lost": 5,
    "storage": 5,
    "hung": 5,
    "out_of_memory": 1,
    "error": 1,
}
"""Attempts that may be lost to each cause; what is not listed (a diverged trial) is never tried again."""

OUTSIDE = frozenset({"preempted", "driver_lost", "interrupted", "node_lost", "worker_lost", "storage"})
"""Causes that lie in the machines, not in the trial: a full disk fails at the same line each time."""


def may_retry(outcome: Outcome, earlier: Sequence[Outcome]) -> bool:
    """Whether the trial deserves a further attempt after this failure.

    Two failures with one fingerprint are a property of the configuration: such a trial is
    quarantined. `earlier` is how the attempts before this one ended.
    """
    if outcome.state is not State.FAILED:
        return False
    is_known = any(end.fingerprint == outcome.fingerprint for end in earlier)
    if outcome.fingerprint and is_known and outcome.kind not in OUTSIDE:
        return False
    lost = sum(end.kind == outcome.kind for end in earlier)
    return lost < RETRIES.get(outcome.kind, 0)
