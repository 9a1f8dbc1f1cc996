"""How much each parameter decides about a figure of the trials: Optuna's PED-ANOVA, set beside chance.

PED-ANOVA (Watanabe et al., IJCAI 2023; Optuna's version for conditional parameters, KDD 2026) compares where
the best tenth of the trials lies with where all of them lie. With few trials it finds importance in anything.
What it gives is therefore set beside what it gives for the same trials with their figures shuffled.
"""

import math
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from sweeper.config.space import Space
from sweeper.search.parts.encoding import distribution, flattened
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
    everyone = np.arange(len(values))
    measured = table.shares(everyone, values)
    shuffled = [table.shares(everyone, random.permutation(values)) for _ in range(SHUFFLES)]
    chosen = [random.integers(len(values), size=len(values)) for _ in range(RESAMPLES)]
    resampled = [table.shares(rows, values[rows]) for rows in chosen]
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
    """The trials as Optuna's parameters: what varies, with one distribution for each label."""

    rows: Sequence[Mapping[str, object]]
    distributions: Sequence[Mapping[str, BaseDistribution]]

    @classmethod
    def of(cls, space: Space, configs: Sequence[Config]) -> "_Table":
        flat = [flattened(space, config) for config in configs]
        return cls(
            rows=[{label: value for label, (_, value) in row.items()} for row in flat],
            distributions=[{label: distribution(of) for label, (of, _) in row.items()} for row in flat],
        )

    def shares(self, rows: np.ndarray, figures: np.ndarray) -> dict[str, float]:
        """Return the share of each parameter for these trials with these figures."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the evaluator is experimental, and warns that low is good
            study = optuna.create_study(direction="maximize")
            study.add_trials(
                [
                    create_trial(
                        params=dict(self.rows[row]),
                        distributions=dict(self.distributions[row]),
                        value=float(figure),
                    )
                    for row, figure in zip(rows, figures, strict=True)
                ]
            )
            best = min(0.5, max(_BEST, _FEWEST_BEST / len(rows)))
            found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=best))
        together: dict[str, float] = defaultdict(float)
        for label, share in found.items():
            together[label.partition(".")[0]] += share
        return {name: share if math.isfinite(share) else 0.0 for name, share in together.items()}


def _quantile(found: Sequence[Mapping[str, float]], name: str, share: float) -> float:
    return float(np.quantile([each.get(name, 0.0) for each in found], share))
