"""The figures that a trial and a sweep end with, which a tracker sorts and plots by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweeper.config.spec import SweepSpec
from sweeper.store import outbox
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import Totals
from sweeper.store.record import OutboxRow
from sweeper.sweep.chance import chance_level, images_per_class
from sweeper.sweep.ranking import best_of
from sweeper.trial import Goal, Outcome
from sweeper.wording import HOUR


def trial_figures(trial: TrialHistory, goal: Goal, chance: float | None) -> dict[str, float]:
    """Return the trial's best score, what it was billed over all attempts, and what each device-hour brought.

    `efficiency` is in points above chance for a device-hour; a metric without chance has none.
    """
    seconds, usd, best = trial.device_seconds, trial.usd, trial.best(goal)
    found = {"cost/device_seconds": seconds, "cost/gpu_hours": seconds / HOUR}
    if usd is not None and trial.attempts:
        found["cost/usd"] = usd
    if best is not None:
        found |= {"best/score": best.score, "best/epoch": float(best.epoch)}
        if chance is not None and seconds > 0 and goal is Goal.MAXIMIZE:
            found["efficiency"] = 100 * (best.score - chance) / (seconds / HOUR)
    return found


def sweep_figures(
    history: SweepHistory, sums: Totals, goal: Goal, chance: float | None
) -> Mapping[str, float]:
    """Return the sums over all trials, and the figures of the best beside them."""
    best = best_of(history, goal)
    own = trial_figures(best, goal, chance) if best else {}
    kept = ("best/score", "best/epoch", "efficiency")
    found = {name: own[name] for name in kept if name in own}
    if best is not None and best.test:
        found |= best.test
    if sums.billed and sums.usd is not None:
        found["cost/usd"] = sums.usd
    return found | {
        "cost/device_seconds": sums.billed,
        "cost/gpu_hours": sums.billed / HOUR,
        "device_seconds": sums.productive,
        "gpu_hours": sums.productive / HOUR,
        "trials": float(len(history.trials)),
    }


@dataclass(frozen=True, slots=True)
class EndRows:
    """The rows of the outbox that end a trial and a sweep, with their figures."""

    goal: Goal
    chance: float | None

    @classmethod
    def of(cls, spec: SweepSpec, meta: Mapping[str, str]) -> "EndRows":
        """Return those of the sweep with this file and this record."""
        return cls(spec.objective.goal, chance_level(spec.objective.metric, images_per_class(meta)))

    def trial(self, trial: TrialHistory, outcome: Outcome) -> OutboxRow:
        """Return the row that ends a trial."""
        return outbox.ended_row(trial, outcome, trial_figures(trial, self.goal, self.chance))

    def sweep(self, why: str, history: SweepHistory, sums: Totals) -> Sequence[OutboxRow]:
        """Return the rows that end the sweep: those of trials that are not over, and its own."""
        left = [outbox.left_row(each) for each in history.trials.values() if not each.state.is_final]
        return [*left, outbox.closed_row(why, sweep_figures(history, sums, self.goal, self.chance))]
