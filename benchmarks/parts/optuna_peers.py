"""Optuna as its own users run it: a sampler with one of Optuna's pruners, on LCBench's space."""

from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from parts.lcbench import EPOCHS, RANGES

from sweeper.search.parts.rung_sampler import COST, RungSampler


class OptunaPeer:
    """One study; its trials are asked for, reported and told as `study.optimize` does."""

    def __init__(self, sampler: BaseSampler, pruner: BasePruner, seconds: Callable[[Any], Any]) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
        self._seconds = seconds

    def ask(self) -> tuple[optuna.Trial, Mapping[str, Any]]:
        trial = self._study.ask()
        return trial, {name: _suggest(trial, name, spread) for name, spread in RANGES.items()}

    def goes_on(self, handle: optuna.Trial, epoch: int, score: float) -> bool:
        handle.report(score, epoch)
        return epoch == EPOCHS or not handle.should_prune()

    def ended(self, handle: optuna.Trial, epoch: int, score: float) -> None:
        handle.set_user_attr(COST, float(self._seconds(handle.params)[1, epoch - 1]))
        if epoch == EPOCHS:
            self._study.tell(handle, score)
        else:
            self._study.tell(handle, state=optuna.trial.TrialState.PRUNED)


def _suggest(trial: optuna.Trial, name: str, spread: Mapping[str, Any]) -> Any:
    is_log = "log" in str(spread.get("distribution", ""))
    if isinstance(spread["min"], int):
        return trial.suggest_int(name, spread["min"], spread["max"], log=is_log)
    return trial.suggest_float(name, spread["min"], spread["max"], log=is_log)


OPTUNA: dict[str, Callable[[int], tuple[BaseSampler, BasePruner]]] = {
    "Optuna: TPE, successive halving": lambda seed: (
        TPESampler(seed=seed, multivariate=True, constant_liar=True),
        SuccessiveHalvingPruner(min_resource=2, reduction_factor=3),
    ),
    "Optuna: TPE, Hyperband": lambda seed: (
        TPESampler(seed=seed, multivariate=True, constant_liar=True),
        HyperbandPruner(min_resource=2, max_resource=EPOCHS, reduction_factor=3),
    ),
    "Optuna: random, successive halving": lambda seed: (
        RandomSampler(seed=seed),
        SuccessiveHalvingPruner(min_resource=2, reduction_factor=3),
    ),
    "Optuna: our sampler, successive halving": lambda seed: (
        RungSampler(seed=seed),
        SuccessiveHalvingPruner(min_resource=2, reduction_factor=3),
    ),
}
