"""How often an attempt may fail, by cause, before its trial is given up."""

from collections.abc import Iterable, Sequence

from sweeper.errors import FailureKind
from sweeper.store.history import TrialHistory
from sweeper.trial import Cause, Decision, Outcome, State

FINE = frozenset({State.COMPLETED, State.STOPPED, State.PAUSED})


def may_retry(outcome: Outcome, earlier: Sequence[Outcome]) -> bool:
    """Whether the trial deserves a further attempt after this failure.

    Two failures with one fingerprint are a property of the configuration: such a trial is
    quarantined. `earlier` is how the attempts before this one ended.
    """
    if outcome.state is not State.FAILED:
        return False
    is_known = any(end.fingerprint == outcome.fingerprint for end in earlier)
    if outcome.fingerprint and is_known and not outcome.kind.is_outside:
        return False
    lost = sum(end.kind == outcome.kind for end in earlier)
    return lost < outcome.kind.retries


def settled(trial: TrialHistory, outcome: Outcome) -> Outcome:
    """How the end of an attempt stands for its trial: retries and interruptions leave it waiting."""
    if outcome.state is State.PAUSED and trial.answer and trial.answer.cause in _LEAVES_WAITING:
        return Outcome(State.WAITING, _LEAVES_WAITING[trial.answer.cause], trial.answer.reason)
    if may_retry(outcome, trial.ends):
        return Outcome(State.WAITING, outcome.kind, outcome.message, outcome.fingerprint)
    return outcome


_LEAVES_WAITING = {Cause.INTERRUPT: FailureKind.INTERRUPTED, Cause.BUDGET: FailureKind.BUDGET}


def lost_with_driver(trial: TrialHistory) -> Outcome:
    """How the attempt ended that the driver did not outlive: as it was told to, where it was told to end."""
    if trial.answer and trial.answer.decision is Decision.STOP:
        return Outcome(State.STOPPED)
    if trial.answer and trial.answer.decision is Decision.PAUSE:
        return Outcome(State.PAUSED)
    return Outcome(State.WAITING, FailureKind.DRIVER_LOST, "the driver ended while the attempt ran")


def all_failed(trials: Iterable[TrialHistory], many: int) -> bool:
    """Whether the first so many that came to something all failed.

    A diverged trial says nothing of the sweep, nor does one that has not reported yet; one that has is
    a success, whatever becomes of it.
    """
    failed = 0
    for trial in trials:
        has_diverged = trial.outcome is not None and trial.outcome.kind is FailureKind.DIVERGED
        if trial.state is State.FAILED and not has_diverged:
            failed += 1
            if failed == many:
                return True
        elif not has_diverged and (trial.reports or trial.state in FINE):
            return False
    return False


def as_told(trial: TrialHistory) -> State:
    """How the search hears of the end: a pause is a stop, what needs more memory than there is infeasible."""
    if trial.state is State.PAUSED:
        return State.STOPPED
    ran_out = trial.outcome is not None and trial.outcome.kind is FailureKind.OUT_OF_MEMORY
    return State.INFEASIBLE if trial.state is State.FAILED and ran_out else trial.state
