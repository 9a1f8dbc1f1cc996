"""Which trial is meant, and why it is where it is: what verbs that only read or ask need of a trial."""

from sweeper.errors import SpecError
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.history import TrialHistory
from sweeper.trackers.moment_lines import verdict_text
from sweeper.trial import Decision, State
from sweeper.wording import plain

PREFIX = 4
"""Characters of an id that name a trial; fewer could be meant as its number."""


def find_trial(sweep: StoredSweep, word: str) -> TrialHistory:
    """Return the trial of that number, else of the id that begins so, in four characters or more.

    SpecError where there is not exactly one.
    """
    trials = list(sweep.history.trials.values())
    by_number = [trial for trial in trials if word == str(trial.number)]
    by_id = [trial for trial in trials if len(word) >= PREFIX and trial.id.startswith(word.lower())]
    found = by_number or by_id
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(f"{trial.id[: len(word) + 4]} (trial {trial.number})" for trial in found[:4])
        raise SpecError(f"{word!r} begins several ids", where=sweep.name, hint=f"say more: {several}")
    known = f"its trials are 0 to {len(trials) - 1}" if trials else "no trial has begun yet"
    raise SpecError(f"no trial {word!r}", where=sweep.name, hint=known)


def fate(trial: TrialHistory, sweep: StoredSweep) -> str:
    """Say in one sentence why the trial is where it is."""
    metric, outcome = sweep.spec.objective.metric, trial.outcome
    last = trial.last.epoch if trial.last else 0
    if trial.state is State.STOPPED:
        return _why_stopped(trial, metric)
    if trial.state is State.COMPLETED:
        return f"completed: {last} of {sweep.spec.train.epochs} epochs"
    if trial.state is State.RUNNING:
        return f"running, {last} epochs so far" if sweep.owner else "interrupted: its driver vanished"
    if trial.is_held:
        goes_on = f"`sweeper resume {sweep.name} --trial {trial.number}` goes on"
        return f"paused after epoch {last} by {plain(trial.wished_by)}; {goes_on}"
    if outcome is None:
        return f"{trial.state}, nothing has run yet"
    parts = (str(trial.state), outcome.kind.replace("_", " "), plain(outcome.message))
    return ": ".join(part for part in parts if part)


def _why_stopped(trial: TrialHistory, metric: str) -> str:
    epoch, verdict = trial.verdicts[-1] if trial.verdicts else (0, None)
    if verdict is None or verdict.decision is not Decision.STOP:
        return f"stopped: {plain(trial.outcome.message) if trial.outcome else ''}"
    judged = next((report.score for report in trial.reports if report.epoch == epoch), None)
    numbers = verdict_text(metric, verdict, judged)
    reason = plain(verdict.reason)
    why = f": {reason}" if reason and reason not in numbers else ""
    return f"stopped after epoch {epoch} {numbers}{why}"
