"""This module says why a sweep has no best trial, and what to type next."""

import math
from collections import Counter

from sweeper.results.stored_sweep import StoredSweep
from sweeper.trial import Cause, State
from sweeper.wording import counted


def no_score(sweep: StoredSweep) -> tuple[str, str]:
    """Return the reason in a line, and a hint."""
    name, metric, trials = sweep.name, sweep.spec.objective.metric, list(sweep.history.trials.values())
    reported = [trial for trial in trials if any(math.isfinite(each.score) for each in trial.reports)]
    if reported and all(trial.is_over_limit for trial in reported):
        verdicts = (verdict for _, verdict in reported[-1].verdicts if verdict.cause is Cause.LIMIT)
        why = next((verdict.reason for verdict in verdicts), "")
        problem = f"none of {counted(len(reported), 'trial')} with a score keeps objective.limits ({why})"
        return problem, "raise the limit in the sweep file, and launch it under another name"
    failed = [trial.outcome.kind for trial in trials if trial.state is State.FAILED and trial.outcome]
    if failed and len(failed) == len(trials):
        kinds = ", ".join(f"{number} {kind}" for kind, number in Counter(failed).most_common())
        return (
            f"no trial has a score: each of {counted(len(trials), 'trial')} failed ({kinds})",
            f"sweeper logs {name}",
        )
    if sweep.standing == "done":
        return f"no trial reported a finite {metric}", f"sweeper logs {name}"
    return "no trial has a score yet", f"sweeper status {name}"
