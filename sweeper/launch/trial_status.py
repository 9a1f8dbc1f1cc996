"""This module says how one trial stands, for the tables of a running sweep."""

import math
from collections.abc import Collection

from sweeper.store.history import TrialHistory
from sweeper.trackers.snapshot import TrialStatus
from sweeper.trial import Goal
from sweeper.wording import value_text


def standing_of(trial: TrialHistory, searched: Collection[str]) -> TrialStatus:
    """Return a running trial with the values of the parameters that are searched; a named point has none."""
    last, attempt = trial.last, trial.attempts[-1] if trial.attempts else None
    config = {} if trial.point else trial.config
    rungs = [verdict.rung for _, verdict in trial.verdicts if verdict.rung is not None]
    return TrialStatus(
        trial.number,
        last.epoch if last else 0,
        last.score if last else None,
        last.device_seconds if last else 0.0,
        trial.label,
        values={name: value_text(config[name]) for name in searched if name in config},
        rung=rungs[-1] if rungs else None,
        pace=_pace(trial),
        node=attempt.node if attempt else "",
        device=attempt.device if attempt else "",
    )


def _pace(trial: TrialHistory) -> float | None:
    """Return the seconds of the newest epoch, by the clock of its device."""
    if not trial.reports:
        return None
    earlier = trial.reports[-2].epoch if len(trial.reports) > 1 else 0
    return trial.seconds_to(trial.reports[-1]) / max(1, trial.reports[-1].epoch - earlier)


def best_standing(trial: TrialHistory, goal: Goal) -> TrialStatus | None:
    """Return the trial at its best epoch, with its curve; None where it has no finite score."""
    best = trial.best(goal)
    if best is None:
        return None
    curve = tuple(report.score for report in trial.reports if math.isfinite(report.score))
    return TrialStatus(trial.number, best.epoch, best.score, best.device_seconds, trial.label, curve=curve)
