"""How much each parameter decides about a figure of the trials: Optuna's PED-ANOVA, set beside chance.

PED-ANOVA (Watanabe et al., IJCAI 2023; Optuna's version for conditional parameters, KDD 2026) compares where
the best tenth of the trials lies with where all of them lie. With few trials it finds importance in anything.
What it gives is therefore set beside what it gives for the same trials with their figures shuffled.
"""

import copy
import math
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, create_trial

from sweeper.config.space import Space
from sweeper.search.parts.encoding import distribution, flattened
from sweeper.search.parts.shown import Shown
from sweeper.trial import Config

ENOUGH = 20
"""Trials below which nothing is said: the best of them are too few to have a shape."""
SHUFFLES = 100
RESAMPLES = 40
_BEST = 0.1
_FEWEST_BEST = 5  # Optuna's documentation: at least so many trials above the quantile


@dataclass(frozen=True, slots=True)
class Importance:
    """The share of a parameter in what PED-ANOVA explains, of 1 for all; lists of `per` count as one.

    `low` and `high` bound it in 9 of 10 resamples of the trials. `chance` is how often shuffled figures gave
    it as much. `low` may lie above `share` and `high` below, since a resample repeats trials.
    """

    parameter: str
    share: float
    low: float
    high: float
    chance: float

    @property
    def is_told_from_chance(self) -> bool:
        """Whether fewer than one in twenty shuffles gave it as much."""
        return self.chance < 0.05


def importances(
    space: Space, configs: Sequence[Config], figures: Sequence[float], seed: int
) -> list[Importance]:
    """Return every parameter that varies, the most important first; larger figures are better.

    Empty with fewer than 20 trials, and where all figures are equal. It takes about two seconds.
    """
    if len(configs) < ENOUGH or len(set(figures)) < 2:
        return []
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table = _Table.of(space, configs)
    values = np.array(figures)
    random = np.random.default_rng(seed)
    everyone = range(len(values))
    measured = table.shares(everyone, values.tolist())
    shuffled = [table.shares(everyone, random.permutation(values).tolist()) for _ in range(SHUFFLES)]
    chosen = [random.integers(len(values), size=len(values)).tolist() for _ in range(RESAMPLES)]
    resampled = [table.shares(rows, values[rows].tolist()) for rows in chosen]
    made = [
        Importance(
            parameter=name,
            share=share,
            low=_quantile(resampled, name, 0.05),
            high=_quantile(resampled, name, 0.95),
            chance=(1 + sum(other.get(name, 0.0) >= share for other in shuffled)) / (1 + SHUFFLES),
        )
        for name, share in measured.items()
    ]
    return sorted(made, key=lambda each: (-each.share, each.parameter))


@dataclass(frozen=True, slots=True)
class _Table:
    """The trials as Optuna's, made once: what is measured anew are their figures."""

    trials: Sequence[FrozenTrial]

    @classmethod
    def of(cls, space: Space, configs: Sequence[Config]) -> "_Table":
        flat = [flattened(space, config) for config in configs]
        return cls(
            [
                create_trial(
                    params={label: value for label, (_, value) in row.items()},
                    distributions={label: distribution(of) for label, (of, _) in row.items()},
                    value=0.0,
                )
                for row in flat
            ]
        )

    def shares(self, rows: Sequence[int], figures: Sequence[float]) -> dict[str, float]:
        """Return the share of each parameter for these trials with these figures."""
        chosen = [copy.copy(self.trials[row]) for row in rows]
        for number, (trial, figure) in enumerate(zip(chosen, figures, strict=True)):
            trial.number, trial._trial_id, trial.values = number, number, [figure]  # pyright: ignore[reportPrivateUsage]
        best = min(0.5, max(_BEST, _FEWEST_BEST / len(chosen)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the evaluator is experimental
            study = optuna.create_study(storage=Shown(chosen), direction="maximize")
            found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=best))
        together: dict[str, float] = defaultdict(float)
        for label, share in found.items():
            together[label.partition(".")[0]] += share
        return {name: share if math.isfinite(share) else 0.0 for name, share in together.items()}


def _quantile(found: Sequence[Mapping[str, float]], name: str, share: float) -> float:
    return float(np.quantile([each.get(name, 0.0) for each in found], share))
