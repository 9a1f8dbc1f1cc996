"""How often an attempt may fail, by cause, before its trial is given up."""

from collections.abc import Sequence

from sweeper.history import Attempt
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


def may_retry(outcome: Outcome, earlier: Sequence[Attempt]) -> bool:
    """Whether the trial deserves a further attempt after this failure.

    Two failures in a row with the same fingerprint are a property of the configuration, not of the
    machine: such a trial is quarantined. `earlier` are the attempts before this one.
    """
    if outcome.state is not State.FAILED:
        return False
    if outcome.fingerprint and any(attempt.message == outcome.message for attempt in earlier):
        return False
    lost = sum(attempt.ended == outcome.kind for attempt in earlier)
    return lost < RETRIES.get(outcome.kind, 0)
