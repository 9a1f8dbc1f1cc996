"""Optuna as its own users run it: a sampler with one of Optuna's pruners, on any of the grounds."""

from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from parts.peer_space import configured, is_log

from sweeper.search.parts.rung_sampler import COST, RungSampler


class OptunaPeer:
    """One study; its trials are asked for, reported and told as `study.optimize` does.

    `curve` is that of a trial's configuration: scores and seconds since the start, [2, epochs].
    """

    def __init__(
        self,
        sampler: BaseSampler,
        pruner: BasePruner,
        parameters: Mapping[str, Any],
        curve: Callable[[Any], Any],
        epochs: int,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
        self._parameters, self._curve, self._epochs = parameters, curve, epochs
        self._configs: dict[int, Mapping[str, Any]] = {}

    def ask(self) -> tuple[optuna.Trial, Mapping[str, Any]]:
        trial = self._study.ask()
        config = configured(self._parameters, lambda name, spread: _suggest(trial, name, spread))
        self._configs[trial.number] = config
        return trial, config

    def goes_on(self, handle: optuna.Trial, epoch: int, score: float) -> bool:
        handle.report(score, epoch)
        return epoch == self._epochs or not handle.should_prune()

    def ended(self, handle: optuna.Trial, epoch: int, score: float) -> None:
        handle.set_user_attr(COST, float(self._curve(self._configs.pop(handle.number))[1, epoch - 1]))
        if epoch == self._epochs:
            self._study.tell(handle, score)
        else:
            self._study.tell(handle, state=optuna.trial.TrialState.PRUNED)


def _suggest(trial: optuna.Trial, name: str, spread: Any) -> Any:
    if isinstance(spread, list):
        return spread[0] if len(spread) == 1 else trial.suggest_categorical(name, spread)
    if isinstance(spread["min"], int):
        return trial.suggest_int(name, spread["min"], spread["max"], log=is_log(spread))
    return trial.suggest_float(name, spread["min"], spread["max"], log=is_log(spread))


OPTUNA: dict[str, Callable[[int, int, int], tuple[BaseSampler, BasePruner]]] = {
    "Optuna: TPE, successive halving": lambda seed, grace, _: (
        TPESampler(seed=seed, multivariate=True, constant_liar=True),
        SuccessiveHalvingPruner(min_resource=grace, reduction_factor=3),
    ),
    "Optuna: TPE, Hyperband": lambda seed, grace, epochs: (
        TPESampler(seed=seed, multivariate=True, constant_liar=True),
        HyperbandPruner(min_resource=grace, max_resource=epochs, reduction_factor=3),
    ),
    "Optuna: random, successive halving": lambda seed, grace, _: (
        RandomSampler(seed=seed),
        SuccessiveHalvingPruner(min_resource=grace, reduction_factor=3),
    ),
    "Optuna: our sampler, successive halving": lambda seed, grace, _: (
        RungSampler(seed=seed),
        SuccessiveHalvingPruner(min_resource=grace, reduction_factor=3),
    ),
}
"""By the seed, the epochs before the first rung, and those of a training in full."""
