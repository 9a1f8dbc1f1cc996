"""The figures that a trial and a sweep end with, which a tracker sorts and plots by."""

from collections.abc import Mapping

from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import Totals
from sweeper.sweep.ranking import best_of
from sweeper.trial import Goal
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
