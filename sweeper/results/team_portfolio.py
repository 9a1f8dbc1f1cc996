"""A team's own portfolio: configurations of its sweeps that complement each other over all their images.

A configuration was run on one set of images, seldom on all. What it would have come to on the others is
foretold from the trials there by a forest of trees, a standard deviation of the trees worse than their mean.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from sweeper.config.parameter import is_same
from sweeper.errors import StateError
from sweeper.results.stored_sweep import StoredSweep
from sweeper.search.parts.complementing import WORST, Array, complementing, regrets_of
from sweeper.search.parts.fitting import SIDE
from sweeper.search.parts.portfolio_file import NAME, PortfolioFile
from sweeper.store.history import TrialHistory
from sweeper.trial import Config, State, canonical

SIZE = 12
FEWEST = 8
"""Configurations with a score on a set of images below which nothing is foretold there."""
RECIPE = (
    "optimizer",
    "learning_rate",
    "momentum",
    "weight_decay",
    "label_smoothing",
    "batch_size",
    "schedule",
)
"""What the `train` section says of every trial and a member must say itself."""
TREES = 100
GOOD = 0.5
"""The mean regret up to which a member is worth its cost though it adds nothing; 1 is the median's."""


@dataclass(frozen=True)
class Known:
    """A configuration with what it came to: `regret` on the images `at`, 0 the best and 1 the median there.

    `cost` is that of a training in full, in what those of its images cost on average.
    """

    config: Config
    sweep: str
    number: int
    at: str
    regret: float
    cost: float


@dataclass(frozen=True)
class TeamPortfolio:
    """The chosen ones, with the regret of each on every set; `foretold` is the share that is guessed."""

    chosen: Sequence[Known]
    sets: Sequence[str]
    regrets: Array
    candidates: int
    foretold: float

    def file(self, made: Mapping[str, Any]) -> PortfolioFile:
        """Return the file; what all members have stands once."""
        first, *others = [each.config for each in self.chosen]
        common = {
            k: v for k, v in first.items() if all(k in o and is_same(o[k], v) for o in others) and others
        }
        members = [
            {NAME: f"{each.sweep} {each.number}", **{k: v for k, v in each.config.items() if k not in common}}
            for each in self.chosen
        ]
        described = f"{len(members)} of {self.candidates} configurations that complement each other"
        return PortfolioFile(
            portfolio=1, description=described, made=dict(made), common=common, members=members
        )


def team_portfolio(sweeps: Sequence[StoredSweep], size: int = SIZE) -> TeamPortfolio:
    """Choose greedily: each lowers the mean regret over the sets of images most for its device-seconds.

    Sweeps of the same images with the same metric count as one set. StateError where one has too few trials.
    """
    grouped: dict[tuple[str, str], list[StoredSweep]] = {}
    for sweep in sweeps:
        key = (sweep.meta.get("data_digest") or sweep.name, sweep.spec.objective.metric)
        grouped.setdefault(key, []).append(sweep)
    named = {" + ".join(each.name for each in alike): alike for alike in grouped.values()}
    known = [each for name, alike in named.items() for each in _known(name, alike)]
    sets = list(named)
    regrets, foretold = _regrets(known, sets)
    places = complementing(regrets, np.array([each.cost for each in known]), size)
    kept = list(_worthwhile(known, regrets, places))
    return TeamPortfolio([known[place] for place in kept], sets, regrets[kept], len(known), foretold)


def _worthwhile(known: Sequence[Known], regrets: Array, places: Sequence[int]) -> Iterator[int]:
    """Yield who is better than those before it somewhere, or good everywhere; each configuration once."""
    best, seen = np.full(regrets.shape[1], WORST), set[str]()
    for place in places:
        key, own = canonical(known[place].config), regrets[place]
        if key not in seen and ((own < best).any() or own.mean() <= GOOD):
            yield place
        seen.add(key)
        best = np.minimum(best, own)


def _known(name: str, sweeps: Sequence[StoredSweep]) -> list[Known]:
    """The configurations of one set of images; of one that ran several times the first trial."""
    found: dict[str, tuple[StoredSweep, TrialHistory, float]] = {}
    for sweep in sweeps:
        goal = sweep.spec.objective.goal
        for trial in sweep.history.trials.values():
            best = trial.best(goal) if trial.state in (State.COMPLETED, State.STOPPED) else None
            if best is not None and not trial.is_final_run:
                member = canonical(_member(sweep, trial.config))
                found.setdefault(member, (sweep, trial, goal.sign * best.score))
    if len(found) < FEWEST:
        problem = f"{len(found)} of its configurations have a score and an end, a portfolio needs {FEWEST}"
        raise StateError(problem, where=name, hint="leave it out, or let it run longer: sweeper status")
    regrets = regrets_of(np.array([score for _, _, score in found.values()]))
    seconds = np.array([_in_full(sweep, trial) for sweep, trial, _ in found.values()])
    costs = seconds / seconds.mean()
    return [
        Known(_member(sweep, trial.config), sweep.name, trial.number, name, float(regret), float(cost))
        for (sweep, trial, _), regret, cost in zip(found.values(), regrets, costs, strict=True)
    ]


def _member(sweep: StoredSweep, config: Config) -> Config:
    """The configuration with what the file says of all, and its size as a share of the largest searched."""
    said = sweep.spec.train.model_dump()
    whole = {"architecture": "cnn", **{key: said[key] for key in RECIPE if key not in config}, **config}
    side = sweep.spec.parameters.get(SIDE)
    if side is not None and isinstance(config.get(SIDE), int):
        whole[SIDE] = round(config[SIDE] / max(side.extremes()), 3)
    if whole["batch_size"] == "auto":
        del whole["batch_size"]
    return whole


def _in_full(sweep: StoredSweep, trial: TrialHistory) -> float:
    """Device-seconds of all epochs at the trial's own pace; at least a millisecond."""
    last = trial.reports[-1]
    epochs = int(trial.config.get("epochs", sweep.spec.train.epochs))
    return max(1e-3, last.device_seconds / max(1, last.epoch) * epochs)


def _regrets(known: Sequence[Known], sets: Sequence[str]) -> tuple[Array, float]:
    """Return [configurations, sets] of regrets, and the share of them that is foretold."""
    measured = {(canonical(each.config), each.at): each.regret for each in known}
    rows = _rows([each.config for each in known])
    regrets = np.full((len(known), len(sets)), math.nan)
    for place, each in enumerate(known):
        for column, name in enumerate(sets):
            regrets[place, column] = measured.get((canonical(each.config), name), math.nan)
    is_foretold = np.isnan(regrets)
    for column in range(len(sets)):
        missing = is_foretold[:, column]
        if missing.any():
            there = ~missing
            forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0)
            forest.fit(rows[there], np.minimum(regrets[there, column], WORST))
            guesses = np.array([tree.predict(rows[missing]) for tree in forest.estimators_])
            regrets[missing, column] = guesses.mean(axis=0) + guesses.std(axis=0)
    return regrets, float(is_foretold.mean())


def _rows(configs: Sequence[Config]) -> Array:
    """Numbers for the trees: a number as it is, the mean and count of a list, a name by an indicator."""
    flat = [_flat(config) for config in configs]
    columns = sorted({key for row in flat for key in row})
    return np.array([[row.get(key, 0.0) for key in columns] for row in flat])


def _flat(config: Config) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in config.items():
        items: list[Any] = value if isinstance(value, list) else [value]
        numbers = [float(item) for item in items if isinstance(item, int | float)]
        if numbers and len(numbers) == len(items):
            found |= {key: sum(numbers) / len(numbers), f"{key}#": len(numbers)}
        else:
            found |= {f"{key}={item}": 1.0 for item in items}
    return found
