"""A sampler for Optuna whose model looks at one rung: the highest that enough trials have reached."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from sweeper.search.parts.axes import Axes
from sweeper.search.parts.gaussian_process import (
    Climb,
    GaussianProcess,
    deciding_rung,
    levelled,
    standardized,
)

COST = "device_seconds"
"""The attribute of a trial with what it took; a study without it searches without regard to cost."""
DRAWN, NEIGHBORS, REFINED = 300, 300, 100
"""Candidates of a proposal: drawn, near the best that are known, and near the best of these."""
THOROUGH = 500
"""Up to this trial every proposal has so many candidates; later ones ever fewer, at least a fifth."""
CENTERS = 8
"""Observed points whose neighborhood is looked at: those with the highest means."""
RUNNING = 30
"""The newest trials without a report that a proposal keeps away from."""
ENOUGH_PACES = 5
_RIDGE = 0.3  # as if so many observations had said that an axis changes nothing


class RungSampler(BaseSampler):
    """Expected improvement, for its predicted seconds, by a Gaussian process over the deciding rung.

    Optuna's own samplers rank whatever was trained in full before what was pruned, so that an early lucky
    survivor counts as good. Here every trial counts by its score at the highest step that `least` trials
    have reported. What was pruned below is foretold from those that went on, and trusted less. A share of
    the proposals is random, so that what survives is compared with something else than itself.

    `axes` are those of a space with conditions; without them they are read from the study's trials. `seen`
    is what the samplers of a study share where each proposal has its own; it needs `axes`.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        startup: int = 10,
        random_share: float = 1 / 3,
        least: int = 8,
        cost_weight: float = 1.0,
        axes: Axes | None = None,
        seen: "Insight | None" = None,
    ) -> None:
        self._random = np.random.default_rng(seed)
        self._independent = RandomSampler(seed=seed)
        self._startup = startup
        self._random_share = random_share
        self._least = least
        self._cost_weight = cost_weight
        self._axes = axes
        self._seen = seen

    def reseed_rng(self) -> None:
        """Begin another sequence of draws, as Optuna asks of each process."""
        self._random = np.random.default_rng()
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the axes' distributions: all parameters are proposed together."""
        return self._axes_of(study, trial).distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the proposal, or a random draw where it is one's turn or too little is known."""
        self._raise_error_if_multi_objective(study)
        axes = self._axes_of(study, trial)
        if not search_space:
            return {}
        if self._random.random() >= self._random_share:
            proposed = self._proposed(axes, study, trial)
            if proposed is not None:
                return axes.values(proposed)
        return axes.values(axes.drawn(1, self._random)[0])

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a random value for a parameter that no trial had before."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _axes_of(self, study: Study, trial: FrozenTrial) -> Axes:
        if self._axes is not None:
            return self._axes
        found: dict[str, BaseDistribution] = {}
        for each in _others(study, trial):
            found |= {name: spread for name, spread in each.distributions.items() if not spread.single()}
        return Axes.of_distributions(found)

    def _proposed(self, axes: Axes, study: Study, trial: FrozenTrial) -> np.ndarray | None:
        trials = [each for each in _others(study, trial) if each.state is not TrialState.FAIL]
        sign = 1.0 if study.direction is StudyDirection.MAXIMIZE else -1.0
        rows, climbs = (self._seen or Insight()).of(axes, trials, sign)
        reporting = [place for place, climb in enumerate(climbs) if climb]
        known = [climb for climb in climbs if climb]
        rung = deciding_rung(known, self._least)
        if rung is None or len(reporting) < self._startup:
            return None
        values, is_short = levelled(known, rung)
        # what cannot be trained has told nothing and is over: no better than the worst
        useless = [p for p, t in enumerate(trials) if not climbs[p] and t.state is TrialState.PRUNED]
        values = np.concatenate([values, np.full(len(useless), values.min())])
        is_short = np.concatenate([is_short, np.ones(len(useless), dtype=bool)])
        running = [p for p, t in enumerate(trials) if not climbs[p] and t.state is TrialState.RUNNING]
        running = running[-RUNNING:]
        points = axes.features(rows[[*reporting, *useless]])
        process = GaussianProcess.fitted(points, standardized(values), is_short, axes.features(rows[running]))
        centers = rows[[*reporting, *useless]][np.argsort(-process.mean(points), kind="stable")[:CENTERS]]
        pace = self._pace(axes, trials, rows)

        def worth(candidates: np.ndarray) -> np.ndarray:
            features = axes.features(candidates)
            return process.improvement(features) * np.exp(-self._cost_weight * (features @ pace))

        effort = min(1.0, max(0.2, THOROUGH / max(each.number for each in trials)))
        return self._best(axes, rows, centers, worth, effort)

    def _best(
        self, axes: Axes, known: np.ndarray, centers: np.ndarray, worth: Any, effort: float
    ) -> np.ndarray | None:
        """Return the candidate that is worth most and is not known yet."""
        random = self._random
        drawn, half, refined = (int(effort * count) for count in (DRAWN, NEIGHBORS / 2, REFINED))
        around = centers[random.integers(len(centers), size=2 * half)]
        rows = np.concatenate(
            [
                axes.drawn(drawn, random),
                axes.near(around[:half], 0.1, random),
                axes.near(around[half:], 0.02, random),
            ]
        )
        found = worth(rows)
        for width in (0.05, 0.02):
            best = np.argsort(-found, kind="stable")[:5]
            more = axes.near(rows[best][random.integers(len(best), size=refined)], width, random)
            rows, found = np.concatenate([rows[best], more]), np.concatenate([found[best], worth(more)])
        taken = {row.tobytes() for row in known}
        order = np.argsort(-found, kind="stable")
        return next((rows[place] for place in order if rows[place].tobytes() not in taken), None)

    def _pace(self, axes: Axes, trials: Sequence[FrozenTrial], rows: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the logarithm of the seconds of an epoch: a ridge regression."""
        timed = [
            (place, math.log(each.user_attrs[COST] / max(each.intermediate_values)))
            for place, each in enumerate(trials)
            if each.user_attrs.get(COST, 0) > 0 and max(each.intermediate_values, default=0) > 0
        ]
        width = axes.features(rows[:1]).shape[1]
        if not self._cost_weight or len(timed) < ENOUGH_PACES:
            return np.zeros(width)
        features = axes.features(rows[[place for place, _ in timed]])
        features = features - features.mean(axis=0)
        paces = np.array([pace for _, pace in timed])
        gram = features.T @ features + _RIDGE * np.eye(width)
        return np.linalg.solve(gram, features.T @ (paces - paces.mean()))


def _others(study: Study, trial: FrozenTrial) -> list[FrozenTrial]:
    return [each for each in study.get_trials(deepcopy=False) if each.number != trial.number]


class Insight:
    """What a model takes from each trial that is over, worked out once: it is looked at again and again.

    A trial that gets further is another object, in Optuna's storage and in ours. The axes stay the same.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[FrozenTrial, list[float], Climb | None]] = {}

    def of(
        self, axes: Axes, trials: Sequence[FrozenTrial], sign: float
    ) -> tuple[np.ndarray, list[Climb | None]]:
        """Return the trials' rows and their climbs; one that has no score has none."""
        found = [
            self._kept.get(id(each)) or (each, axes.row(each.params), _climb(each, sign)) for each in trials
        ]
        self._kept = {id(view[0]): view for view in found if view[0].state.is_finished()}
        climbs = [climb for _, _, climb in found]
        last = max((climb.end for climb in climbs if climb), default=0)
        for place, each in enumerate(trials):
            if not climbs[place] and each.state is TrialState.COMPLETE and each.value is not None:
                climbs[place] = Climb.of({last: sign * each.value})  # it reported nothing on its way
        return np.array([row for _, row, _ in found]), climbs


def _climb(trial: FrozenTrial, sign: float) -> Climb | None:
    scores = {step: sign * score for step, score in trial.intermediate_values.items() if math.isfinite(score)}
    return Climb.of(scores) if scores else None
