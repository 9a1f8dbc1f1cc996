"""The median stopping rule (Golovin et al., Google Vizier, 2017) stops what is worse than others' median."""

import math
import statistics
from typing import Annotated

from pydantic import Field

from sweeper.schedulers import Milestone, scheduler
from sweeper.trial import Decision, Goal, Report, Verdict


class Median:
    """Stops a trial whose best score is worse than the median of the others' running averages."""

    def __init__(self, goal: Goal, grace: int, min_trials: int) -> None:
        self._sign = goal.sign
        self._grace = grace
        self._min_trials = min_trials
        self._scores: dict[str, dict[int, float]] = {}

    def on_report(self, trial_id: str, report: Report) -> Verdict:
        """Compare at the same epoch; a trial that never got so far does not vote."""
        if not math.isfinite(report.score):
            return Verdict(Decision.STOP, f"the score is {report.score}")
        own = self._scores.setdefault(trial_id, {})
        own[report.epoch] = self._sign * report.score
        if report.epoch < self._grace:
            return Verdict(Decision.CONTINUE, f"within the grace of {self._grace} epochs")
        averages = [
            statistics.fmean(score for epoch, score in scores.items() if epoch <= report.epoch)
            for other, scores in self._scores.items()
            if other != trial_id and max(scores) >= report.epoch
        ]
        if len(averages) < self._min_trials:
            return Verdict(Decision.CONTINUE, f"{len(averages)} of {self._min_trials} trials to compare with")
        median, best = statistics.median(averages), max(own.values())
        rank = 1 + sum(average > best for average in averages)
        numbers = (float(report.epoch), rank, len(averages) + 1, self._sign * median)
        if best < median:
            return Verdict(Decision.STOP, "worse than the median", *numbers)
        return Verdict(Decision.CONTINUE, "at least the median", *numbers)

    def next_rung(self, trial_id: str, last: Report | None) -> Milestone | None:
        """Return the next epoch, or the first one after the grace."""
        epoch = last.epoch if last else 0
        return Milestone("epoch", max(self._grace, epoch + 1))

    def next_promotion(self) -> str | None:
        """Return None: no trial is ever paused."""
        return None

    def last_promotion(self) -> str | None:
        """Nothing is ever paused."""
        return None


@scheduler("median")
def median(
    goal: Goal,
    epochs: int,
    *,
    grace: Annotated[int, Field(ge=1)] = 3,
    min_trials: Annotated[int, Field(ge=1)] = 5,
) -> Median:
    """Stops what is worse than the median of at least `min_trials` others, after `grace` epochs."""
    return Median(goal, grace, min_trials)
