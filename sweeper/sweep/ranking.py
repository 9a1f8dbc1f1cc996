"""This module ranks the configurations of a sweep.

Repeats and final runs of one configuration count as one.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trial import Config, Goal, State, canonical


@dataclass(frozen=True, slots=True)
class RankedConfig:
    """One configuration with its rank.

    `mean` is over the best epochs of `runs` trials, in the metric's own unit. The mean is over the final runs
    where there are any, else over the completed repeats, else over whatever has a score. `scores` are those
    of the trials in the mean, and `counted` are their numbers. `trials` are the numbers of all trials of the
    configuration, and `cost` is what all of them were billed, in device-seconds.
    """

    config: Config
    trials: tuple[TrialHistory, ...]
    mean: float
    scores: tuple[float, ...]
    runs: int
    is_final: bool
    cost: float
    counted: tuple[TrialHistory, ...]


def ranked_configs(history: SweepHistory, goal: Goal) -> list[RankedConfig]:
    """Return the configurations with final runs first, by the mean of those; then the others by their means.

    The search's own run of a finalist does not count in its mean, because it was chosen for being lucky. Of
    equal configurations the cheaper comes first, then the earlier. One without a finite score is left out.
    """
    return _ranked(history.trials.values(), goal)


def best_of(history: SweepHistory, goal: Goal) -> TrialHistory | None:
    """Return the best trial of the first of `ranked_configs`; of equal ones the cheaper, then the earlier.

    It serves a driver that asks twice a second, so it does not look at every configuration.
    """
    trials = list(history.trials.values())
    if not any(trial.repeat or trial.is_final_run for trial in trials):
        return best_scored(trials, goal)
    finalists = [trial.config for trial in trials if trial.is_final_run]
    finals = _ranked((trial for trial in trials if trial.config in finalists), goal)
    first = finals[0] if finals and finals[0].is_final else _first(trials, goal)
    return best_scored(first.trials, goal) if first else None


def _ranked(trials: Iterable[TrialHistory], goal: Goal) -> list[RankedConfig]:
    groups: dict[str, list[TrialHistory]] = {}
    for trial in trials:
        groups.setdefault(canonical(trial.config), []).append(trial)
    found = [standing for alike in groups.values() if (standing := _standing(alike, goal))]
    return sorted(found, key=lambda standing: _order(standing, goal))


def _first(trials: Sequence[TrialHistory], goal: Goal) -> RankedConfig | None:
    """Return the first configuration where no final run is over.

    No mean is above its best run, so the walk down the trials ends early.
    """
    sign = goal.sign
    scored = [(sign * best.score, trial) for trial in trials if (best := trial.best(goal))]
    scored.sort(key=lambda pair: -pair[0])
    first: RankedConfig | None = None
    seen: list[Config] = []
    for value, trial in scored:
        if first is not None and value < sign * first.mean:
            break
        if trial.config in seen:
            continue
        seen.append(trial.config)
        standing = _standing([other for other in trials if other.config == trial.config], goal)
        if standing and (first is None or _order(standing, goal) < _order(first, goal)):
            first = standing
    return first


def _order(standing: RankedConfig, goal: Goal) -> tuple[bool, float, float, int]:
    mean = -goal.sign * standing.mean
    return (not standing.is_final, mean, standing.cost, standing.trials[0].number)


def _standing(trials: list[TrialHistory], goal: Goal) -> RankedConfig | None:
    scored = [(trial, best.score) for trial in trials if (best := trial.best(goal))]
    if not scored:
        return None
    completed = [(trial, score) for trial, score in scored if trial.state is State.COMPLETED]
    final = [(trial, score) for trial, score in completed if trial.is_final_run]
    counted = final or completed or scored
    scores = tuple(score for _, score in counted)
    return RankedConfig(
        trials[0].config,
        tuple(trials),
        math.fsum(scores) / len(scores),
        scores,
        len(counted),
        bool(final),
        sum(trial.device_seconds for trial in trials),
        tuple(trial for trial, _ in counted),
    )


def best_scored(trials: Iterable[TrialHistory], goal: Goal) -> TrialHistory | None:
    """Return the trial with the best finite score; of equal ones the cheaper, then the earlier."""
    sign = goal.sign
    scored = [(trial, best.score) for trial in trials if (best := trial.best(goal))]
    order = min(
        scored, key=lambda pair: (-sign * pair[1], pair[0].device_seconds, pair[0].number), default=None
    )
    return order[0] if order else None
