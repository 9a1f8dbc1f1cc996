"""Which parameters decided about the score, and which about the cost, seen where trials can be compared.

Trials that were stopped early have trained for fewer epochs than the others, so that their best scores
compare epochs rather than configurations. All are therefore judged at the last epoch that enough of them
reached.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sweeper.results.stored_sweep import StoredSweep
from sweeper.search.parts.importance import ENOUGH, Importance, importances
from sweeper.store.history import TrialHistory
from sweeper.trial import Config, derive

MOST = 500
"""Trials that importance is computed from, evenly spaced where there are more: all of 10,000 take minutes."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A trial at the common epoch: its best score until then (more is better), and its device-seconds."""

    number: int
    config: Config
    score: float
    device_seconds: float


@dataclass(frozen=True)
class Influence:
    """The trials of a sweep at `epoch`, and what decided about them; repeats and final runs are left out."""

    sweep: StoredSweep
    epoch: int
    judged: Sequence[Judged]
    trials: int

    @cached_property
    def on_score(self) -> Sequence[Importance]:
        """What decided about the score; empty with fewer than 20 trials."""
        return self._of([each.score for each in self.judged], "score")

    @cached_property
    def on_cost(self) -> Sequence[Importance]:
        """What decided about the device-seconds, as importance for being cheap."""
        return self._of([-each.device_seconds for each in self.judged], "cost")

    def _of(self, figures: Sequence[float], what: str) -> list[Importance]:
        spec = self.sweep.spec
        step = max(1.0, len(figures) / MOST)
        chosen = [int(place * step) for place in range(min(len(figures), MOST))]
        known = [(self.judged[place], figures[place]) for place in chosen]
        inside = [(each.config, figure) for each, figure in known if spec.space.contains(each.config)]
        seed = derive(spec.search.seed, "importance", what) % 2**32
        return importances(spec.space, [config for config, _ in inside], [f for _, f in inside], seed)


def influence(sweep: StoredSweep) -> Influence:
    """Judge the trials at the last epoch that half of them, or at least 20, reached with a finite score."""
    first = [t for t in sweep.history.trials.values() if not t.repeat and not t.is_final_run]
    reached = sorted((t.last.epoch for t in first if t.last), reverse=True)
    if not reached:
        return Influence(sweep, 0, [], len(first))
    epoch = reached[min(max(ENOUGH, len(reached) // 2), len(reached)) - 1]
    judged = [found for trial in first if (found := _at(trial, epoch, sweep)) is not None]
    return Influence(sweep, epoch, judged, len(first))


def _at(trial: TrialHistory, epoch: int, sweep: StoredSweep) -> Judged | None:
    goal = sweep.spec.objective.goal
    until = [report for report in trial.reports if report.epoch <= epoch]
    finite = [goal.sign * report.score for report in until if math.isfinite(report.score)]
    if not finite or until[-1].epoch < epoch:
        return None
    return Judged(trial.number, trial.config, max(finite), until[-1].device_seconds)
