"""Without early stopping, a trial ends before its time only where its score is no finite number."""

import math

from sweeper.schedulers import Milestone, scheduler
from sweeper.trial import Decision, Goal, Report, Verdict


class Patient:
    """Lets every trial run to its end."""

    def on_report(self, trial_id: str, report: Report) -> Verdict:
        """Return CONTINUE for every finite score."""
        if not math.isfinite(report.score):
            return Verdict(Decision.STOP, f"the score is {report.score}")
        return Verdict(Decision.CONTINUE, "no early stopping")

    def next_rung(self, trial_id: str, last: Report | None) -> Milestone | None:
        """Return None: no trial is judged on the way."""
        return None

    def next_promotion(self) -> str | None:
        """Return None: no trial is ever paused."""
        return None

    def last_promotion(self) -> str | None:
        """Nothing is ever paused."""
        return None


@scheduler("none")
def none(goal: Goal, epochs: int) -> Patient:
    """Every trial runs for all its epochs."""
    return Patient()
