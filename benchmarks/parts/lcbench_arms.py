"""The arms that meet on LCBench: our searches alone and behind a portfolio, and Optuna's."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from parts.anytime import interval
from parts.lcbench import EARLY, EPOCHS, JUDGED, RANGES, TASKS, Noisy, Surrogate, portfolio, spec
from parts.optuna_peers import OPTUNA, OptunaPeer
from parts.own_curves import one_epoch
from parts.replayed import Anytime, Arm, run
from parts.saved_rows import SHARES, TRAININGS, Row, Rows
from parts.virtual_workers import drive

from sweeper.search.random import RandomSearch
from sweeper.trial import Config

FIRST = 12
"""Members of a portfolio."""
GRACE = 2
RULES = {
    "stop": {"kind": "stop", "grace": GRACE, "reduction_factor": 3},
    "promote": {"kind": "promote", "grace": GRACE, "reduction_factor": 3},
    "stop from 4 by halves": {"kind": "stop", "grace": 4, "reduction_factor": 2},
    "promote from 4 by halves": {"kind": "promote", "grace": 4, "reduction_factor": 2},
}
ALONE = (
    ("random", "stop"), ("random", "promote"), ("random", "stop from 4 by halves"),
    ("tpe", "stop"), ("tpe", "promote"), ("gp", "promote"), ("gp", "promote from 4 by halves"),
)  # fmt: skip
BEHIND = (
    ("random", "promote"), ("random", "promote from 4 by halves"), ("tpe", "stop"),
    ("tpe", "promote"), ("tpe", "promote from 4 by halves"), ("gp", "stop"), ("gp", "promote"),
    ("gp", "promote from 4 by halves"),
)  # fmt: skip

Work = Callable[[Surrogate | Noisy, int, float, int], Anytime]
"""A sweep on a surrogate with a seed, a budget and workers."""


@cache
def points(task: str, early: int) -> Sequence[Config]:
    """A portfolio that was chosen on the other development sets."""
    return portfolio([each for each in TASKS if each != task], FIRST, early)


def arms(early: int = EARLY) -> dict[str, Work]:
    """Every arm by its name; `early` are the epochs by which members of a portfolio are chosen."""
    found: dict[str, Work] = {}
    for is_behind, pairs in ((False, ALONE), (True, BEHIND)):
        for algorithm, kind in pairs:
            start = f"portfolio of {FIRST}, " if is_behind else ""
            found[f"{start}{algorithm}, {kind}"] = _ours(algorithm, kind, early if is_behind else 0)
    return found | {name: _optuna(name) for name in OPTUNA} | {"one epoch, then the best": _one_epoch}


def measure(
    rows: Rows,
    works: Mapping[str, Work],
    seeds: int,
    workers: int,
    tasks: Sequence[str] = JUDGED,
    *,
    is_noisy: bool = False,
) -> None:
    """Run what the rows do not have yet, one seed of all arms after the other.

    With noise an arm is judged by the configuration that looks best, as if trained in full without luck.
    """
    for seed in range(seeds):
        for task in tasks:
            surrogate = Surrogate(task)
            budget = TRAININGS * surrogate.full_cost
            for name, work in works.items():
                key = (f"{name}, with noise" if is_noisy else name, task, seed, workers)
                if key not in rows:
                    found = work(Noisy(surrogate, seed) if is_noisy else surrogate, seed, budget, workers)
                    rows.add(key, _regrets(surrogate, found, budget, is_noisy=is_noisy), found.trials)


def _regrets(surrogate: Surrogate, found: Anytime, budget: float, *, is_noisy: bool) -> list[float]:
    spent = [share * budget for share in SHARES]
    if is_noisy:
        return [surrogate.regret(float(surrogate.curve(found.best(each))[0].max())) for each in spent]
    return [surrogate.regret(found.at(each)) for each in spent]


def figures(rows: Rows, seeds: int, workers: int) -> dict[str, dict[str, object]]:
    """Regret of each arm over sets and seeds; `sweeps` says how many there are yet."""
    return {
        arm: {
            "regret": [interval(column) for column in zip(*(r.regret for r in of_arm.values()), strict=True)],
            "trials": statistics.fmean(row.trials for row in of_arm.values()),
            "sweeps": len(of_arm),
        }
        for arm, of_arm in rows.of(seeds, workers).items()
    }


def against(rows: Rows, ours: str, seeds: int, workers: int) -> dict[str, list[tuple[float, float]]]:
    """How much less regret one arm has than each other, in pairs, after each share."""
    found = rows.of(seeds, workers)
    return {other: _less(found[ours], of_other) for other, of_other in found.items() if other != ours}


def _less(
    ours: Mapping[tuple[str, int], Row], theirs: Mapping[tuple[str, int], Row]
) -> list[tuple[float, float]]:
    shared = [key for key in ours if key in theirs]
    return [
        interval([theirs[key].regret[place] - ours[key].regret[place] for key in shared])
        for place in range(len(SHARES))
    ]


def _ours(algorithm: str, kind: str, early: int) -> Work:
    def work(ground: Surrogate | Noisy, seed: int, budget: float, workers: int) -> Anytime:
        first = points(ground.task, early) if early else ()
        arm = Arm(kind, {"algorithm": algorithm}, {"type": "asha", **RULES[kind]}, first)
        return run(spec(), arm, seed, budget, ground, workers)

    return work


def _one_epoch(ground: Surrogate | Noisy, seed: int, budget: float, _workers: int) -> Anytime:
    draws = RandomSearch(spec().space, seed)
    return one_epoch(ground, [draws.suggest(number) for number in range(5_000)], budget)


def _optuna(name: str) -> Work:
    def work(ground: Surrogate | Noisy, seed: int, budget: float, workers: int) -> Anytime:
        peer = OptunaPeer(*OPTUNA[name](seed, GRACE, EPOCHS), RANGES, ground.curve, EPOCHS)
        return drive(peer, ground.curve, budget, workers)

    return work
