"""This module turns a trial's reports into what the search hears: one figure, or two (`objective.mode`)."""

from sweeper.config.objective_section import ObjectiveSpec
from sweeper.trial import Cause, Decision, Goal, Report, Verdict


class Objective:
    """Turns reports into what the search shall raise (or lower: `goal`).

    - `budget`: the score itself.
    - `pareto`: the score, beside the cost (`counts_cost`).
    - `efficiency`: score above chance for a device-second, of trials that reach `min_top5`; below it,
      how much is missing, so that the search is drawn towards the floor first.
    - `target`: the inverse of the device-seconds at which the score reached the target; before,
      how much is missing.

    Remembers the cheapest trial that reached the target: to go on beyond its cost finds nothing.
    """

    def __init__(self, objective: ObjectiveSpec, chance: float = 0.0) -> None:
        self._objective = objective
        self._chance = chance
        self._sign = objective.goal.sign
        self._cheapest: float | None = None

    @property
    def goal(self) -> Goal:
        """The direction in which the search's figure is better."""
        return Goal.MAXIMIZE if self._is_derived else self._objective.goal

    @property
    def counts_cost(self) -> bool:
        """Whether the search takes score and cost as two objectives."""
        return self._objective.mode == "pareto"

    @property
    def _is_derived(self) -> bool:
        return self._objective.mode in ("efficiency", "target")

    def value(self, report: Report) -> float:
        """The figure of a finite report."""
        match self._objective.mode:
            case "efficiency":
                return self._efficiency(report)
            case "target":
                missing = self._missing(report)
                return 1 / max(report.device_seconds, 1e-9) if missing <= 0 else -missing
            case _:
                return report.score

    def best(self, reports: list[Report]) -> float | None:
        """Return the best figure of a trial's finite reports; None where it has none."""
        values = [self.value(report) for report in reports if abs(report.score) < float("inf")]
        return self.goal.best(values) if values else None

    def limit_verdict(self, report: Report) -> Verdict | None:
        """Return STOP where the network takes more than `objective.limits` allows."""
        limits = self._objective.limits
        beyond = limits.exceeded(report.metrics) if limits else ""
        return Verdict(Decision.STOP, beyond, cause=Cause.LIMIT) if beyond else None

    def verdict(self, report: Report) -> Verdict | None:
        """Return STOP at the target, and where the trial costs more than one that reached it."""
        if self._objective.mode != "target":
            return None
        if self._missing(report) <= 0:
            self._cheapest = min(report.device_seconds, self._cheapest or report.device_seconds)
            return Verdict(
                Decision.STOP, f"reached the target of {self._objective.target:g}", cause=Cause.TARGET
            )
        if self._cheapest is not None and report.device_seconds >= self._cheapest:
            reason = f"another trial reached the target within {self._cheapest:.3g} device-seconds"
            return Verdict(Decision.STOP, reason, cause=Cause.TARGET)
        return None

    def _missing(self, report: Report) -> float:
        return self._sign * ((self._objective.target or 0.0) - report.score)

    def _efficiency(self, report: Report) -> float:
        floor = self._objective.min_top5 or 0.0
        reached = report.metrics.get("valid/top5", report.score)
        if reached < floor:
            return reached - floor
        return max(0.0, report.score - self._chance) / max(report.device_seconds, 1e-9)
