"""This module decides what an attempt's end means for its trial: whether it may go on, and how often."""

from collections.abc import Iterable, Sequence

from sweeper.errors import FailureKind
from sweeper.store.history import TrialHistory
from sweeper.trial import Cause, Decision, Outcome, State, Verdict

UNPROMOTED = Outcome(State.STOPPED, FailureKind.UNPROMOTED, "never promoted")
FINE = frozenset({State.COMPLETED, State.STOPPED, State.PAUSED})


def may_retry(outcome: Outcome, earlier: Sequence[Outcome]) -> bool:
    """Say whether the trial deserves another attempt after this failure.

    Two failures with the same fingerprint are a property of the configuration, so the trial is given up.
    `earlier` has the outcomes of the attempts before this one.
    """
    if outcome.state is not State.FAILED:
        return False
    is_known = any(end.fingerprint == outcome.fingerprint for end in earlier)
    if outcome.fingerprint and is_known and not outcome.kind.is_outside:
        return False
    lost = sum(end.kind == outcome.kind for end in earlier)
    return lost < outcome.kind.retries


def settled(trial: TrialHistory, outcome: Outcome) -> Outcome:
    """Return what an attempt's end means for its trial: it waits after an interruption and before a retry.

    One that somebody asked to stop does not wait.
    """
    if outcome.state is State.PAUSED and trial.answer and trial.answer.cause in _LEAVES_WAITING:
        outcome = Outcome(State.WAITING, _LEAVES_WAITING[trial.answer.cause], trial.answer.reason)
    elif may_retry(outcome, trial.ends):
        outcome = Outcome(State.WAITING, outcome.kind, outcome.message, outcome.fingerprint)
    return stopped_by_hand(trial) if outcome.state is State.WAITING and trial.is_unwanted else outcome


_LEAVES_WAITING = {
    Cause.INTERRUPT: FailureKind.INTERRUPTED,
    Cause.BUDGET: FailureKind.BUDGET,
    Cause.USER: FailureKind.INTERRUPTED,
}


def as_wished(trial: TrialHistory, verdict: Verdict) -> Verdict:
    """Return the verdict, or what a person asked of the trial; one that ends anyway ends as it would."""
    if trial.wish is None or verdict.decision is Decision.STOP:
        return verdict
    decision = Decision.STOP if trial.is_unwanted else Decision.PAUSE
    return Verdict(decision, wish_text(trial), cause=Cause.USER)


def stopped_by_hand(trial: TrialHistory) -> Outcome:
    """Return the outcome of a trial that somebody asked to stop while it did not run."""
    return Outcome(State.STOPPED, FailureKind.INTERRUPTED, wish_text(trial))


def wish_text(trial: TrialHistory) -> str:
    """Say what was typed, and by whom."""
    return f"{trial.wished_by} typed `sweeper {trial.wish} --trial {trial.number}`"


def lost_with_driver(trial: TrialHistory) -> Outcome:
    """Return the outcome of an attempt that ran when its driver died.

    If the trial had been answered STOP or PAUSE, the attempt counts as ended so.
    """
    if trial.answer and trial.answer.decision is Decision.STOP:
        return Outcome(State.STOPPED)
    if trial.answer and trial.answer.decision is Decision.PAUSE:
        return Outcome(State.PAUSED)
    return Outcome(State.WAITING, FailureKind.DRIVER_LOST, "the driver ended while the attempt ran")


def all_failed(trials: Iterable[TrialHistory], many: int) -> bool:
    """Say whether the first `many` trials with a result all failed.

    A diverged trial says nothing about the sweep, nor does one that has not reported yet. A trial that has
    reported counts as a success, whatever becomes of it.
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
    """Return the state that the search hears.

    A pause is a stop for it. A trial that needs too much memory, or more than the limits, is infeasible.
    """
    if trial.is_over_limit:
        return State.INFEASIBLE
    if trial.state is State.PAUSED:
        return State.STOPPED
    ran_out = trial.outcome is not None and trial.outcome.kind is FailureKind.OUT_OF_MEMORY
    return State.INFEASIBLE if trial.state is State.FAILED and ran_out else trial.state
