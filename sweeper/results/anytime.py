"""This module follows the best score over what was spent, and says whether more is worth it."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sweeper.config.objective_section import ObjectiveSpec
from sweeper.config.sections import StopWhenSpec
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.history import SweepHistory
from sweeper.sweep.marginal_gain import Gain, ceiling_of, concluded, gain_ahead, scored_attempts
from sweeper.trial import Goal
from sweeper.wording import is_accuracy

Advice = Literal["stop", "go on", "open", "unknown"]
"""`open`: little is expected, but much cannot be excluded."""


@dataclass(frozen=True, slots=True)
class Step:
    """The best score once so much was spent. `usd` is None where a price is unknown."""

    device_seconds: float
    usd: float | None
    score: float


@dataclass(frozen=True, slots=True)
class Anytime:
    """`steps` are the moments at which the best score rose, and the end. Rises are positive for a loss too.

    `searched` is the end of the search, which final runs follow. `last_tenth` is what the last 10 % of its
    spend brought, and None before there is a score. `gain` is what another `ahead` (a share of the spend)
    would bring, and `worth` the least rise that is worth going on for.
    """

    steps: Sequence[Step]
    searched: Step | None
    last_tenth: float | None
    ahead: float
    gain: Gain
    worth: float

    @property
    def advice(self) -> Advice:
        """Whether to stop: only if not even the upper end of the interval is worth it."""
        if math.isinf(self.gain.high):
            return "unknown"
        if self.gain.high < self.worth:
            return "stop"
        return "go on" if self.gain.expected >= self.worth else "open"

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON, with None for what is unknown."""
        ends = (self.gain.expected, self.gain.low, self.gain.high)
        expected, low, high = (None if self.advice == "unknown" else end for end in ends)
        return {
            "curve": [asdict(step) for step in self.steps],
            "last_tenth": self.last_tenth,
            "ahead": self.ahead,
            "expected_gain": expected,
            "interval": [low, high],
            "worth": self.worth,
            "advice": self.advice,
        }


def anytime(
    history: SweepHistory, objective: ObjectiveSpec, stop_when: StopWhenSpec | None = None, seed: int = 0
) -> Anytime:
    """Follow the best score; running trials count with what they cost and reached so far.

    Without `stop_when` its defaults count: another 25 % must bring 0.2 points of an accuracy, or a hundredth
    of the best loss.
    """
    goal = objective.goal
    steps = _steps(history, goal)
    search = _steps(history, goal, is_search_only=True)
    rule = stop_when or StopWhenSpec()
    worth = rule.gain
    if stop_when is None and goal is Goal.MINIMIZE:
        worth = abs(steps[-1].score) / 100 if steps else 0.0
    gain = gain_ahead(concluded(history, goal), rule.ahead, seed, ceiling=ceiling_of(objective.metric))
    searched = search[-1] if search else None
    return Anytime(_curve(steps), searched, _last_tenth(search), rule.ahead, gain, worth)


def anytime_of(sweep: StoredSweep) -> Anytime:
    """Follow the best score of a stored sweep."""
    spec = sweep.spec
    return anytime(sweep.history, spec.objective, spec.stop_when, spec.search.seed)


def spent_until(curve: Sequence[Step], score: float, goal: Goal) -> Step | None:
    """Return the first step at which the best score was at least as good."""
    sign = goal.sign
    return next((step for step in curve if sign * step.score >= sign * score), None)


def last_tenth_text(metric: str, found: Anytime) -> str:
    """Say what the last 10 % of the search brought."""
    if found.last_tenth is None:
        return "no score yet"
    return f"brought {_rise_text(metric, found.last_tenth)}"


def advice_text(metric: str, found: Anytime) -> str:
    """Say whether to stop now, and why."""
    gain, share = found.gain, f"{100 * found.ahead:.3g} %"
    if found.advice == "unknown":
        return "nobody can tell yet: fewer than five trials have a score"
    low, high = (_bare(metric, end) for end in (gain.low, gain.high))
    brings = (
        f"another {share} of the spend brings about {_rise_text(metric, gain.expected)} ({low} to {high})"
    )
    return {"stop": "yes: ", "go on": "no: ", "open": "hard to say: "}[found.advice] + brings


def _rise_text(metric: str, rise: float) -> str:
    """Return `0.3 points` for an accuracy, and the plain number for anything else."""
    if math.isinf(rise):
        return "nobody knows how much"
    return f"{_bare(metric, rise)} points" if is_accuracy(metric) else _bare(metric, rise)


def _bare(metric: str, rise: float) -> str:
    return f"{100 * rise:.2g}" if is_accuracy(metric) else f"{rise:.2g}"


def _steps(history: SweepHistory, goal: Goal, *, is_search_only: bool = False) -> list[Step]:
    """Return a step for each attempt from the first score on; the running ones come last."""
    sign = goal.sign
    scored = [
        (attempt, score)
        for trial, attempt, score in scored_attempts(history, goal)
        if not (is_search_only and trial.is_final_run)
    ]
    for trial in history.trials.values():
        if is_search_only and trial.is_final_run:
            continue
        under_way = [attempt for attempt in trial.attempts if not attempt.ended]
        best = trial.best(goal)
        scored += [(attempt, sign * best.score if best else math.nan) for attempt in under_way]
    steps: list[Step] = []
    seconds, usd, best_yet = 0.0, 0.0, -math.inf
    for attempt, score in scored:
        seconds += attempt.device_seconds
        usd += math.nan if attempt.usd is None else attempt.usd
        best_yet = max(best_yet, score) if math.isfinite(score) else best_yet
        if math.isfinite(best_yet):
            steps.append(Step(seconds, None if math.isnan(usd) else usd, sign * best_yet))
    return steps


def _curve(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Keep only the steps at which the score changes, and the end."""
    kept = [step for number, step in enumerate(steps) if number == 0 or step.score != steps[number - 1].score]
    return (*kept, steps[-1]) if kept and kept[-1] is not steps[-1] else tuple(kept)


def _last_tenth(steps: Sequence[Step]) -> float | None:
    if not steps:
        return None
    before = [step for step in steps if step.device_seconds <= 0.9 * steps[-1].device_seconds]
    earlier = before[-1] if before else steps[0]
    return abs(steps[-1].score - earlier.score)
