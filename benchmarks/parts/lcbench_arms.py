"""The arms that meet on LCBench: our searches alone and behind a portfolio, and Optuna's."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from parts.anytime import interval
from parts.lcbench import JUDGED, TASKS, Surrogate, portfolio, spec
from parts.optuna_peers import OPTUNA, OptunaPeer
from parts.replayed import Anytime, Arm, run
from parts.saved_rows import SHARES, TRAININGS, Row, Rows
from parts.virtual_workers import drive

from sweeper.trial import Config

FIRST = 12
"""Members of a portfolio."""
RULES = {
    "stop": {"kind": "stop", "grace": 2, "reduction_factor": 3},
    "promote": {"kind": "promote", "grace": 2, "reduction_factor": 3},
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

Work = Callable[[Surrogate, int, float, int], tuple[Callable[[float], float], int]]
"""A sweep on a surrogate with a seed, a budget and workers: its best score after a spend, and its trials."""


@cache
def points(task: str) -> Sequence[Config]:
    """A portfolio that was chosen on the other development sets."""
    return portfolio([each for each in TASKS if each != task], FIRST)


def arms() -> dict[str, Work]:
    """Every arm by its name."""
    found: dict[str, Work] = {}
    for is_behind, pairs in ((False, ALONE), (True, BEHIND)):
        for algorithm, kind in pairs:
            start = f"portfolio of {FIRST}, " if is_behind else ""
            found[f"{start}{algorithm}, {kind}"] = _ours(algorithm, kind, is_behind=is_behind)
    return found | {name: _optuna(name) for name in OPTUNA}


def measure(rows: Rows, only: Sequence[str], seeds: int, workers: int) -> None:
    """Run what the rows do not have yet, one seed of all arms after the other."""
    chosen = {name: work for name, work in arms().items() if not only or name in only}
    for seed in range(seeds):
        for task in JUDGED:
            surrogate = Surrogate(task)
            budget = TRAININGS * surrogate.full_cost
            for name, work in chosen.items():
                key = (name, task, seed, workers)
                if key not in rows:
                    best, trials = work(surrogate, seed, budget, workers)
                    rows.add(key, [surrogate.regret(best(share * budget)) for share in SHARES], trials)


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


def _ours(algorithm: str, kind: str, *, is_behind: bool) -> Work:
    def work(
        surrogate: Surrogate, seed: int, budget: float, workers: int
    ) -> tuple[Callable[[float], float], int]:
        first = points(surrogate.task) if is_behind else ()
        arm = Arm(kind, {"algorithm": algorithm}, {"type": "asha", **RULES[kind]}, first)
        found = run(spec(), arm, seed, budget, surrogate, workers)
        return found.at, found.trials

    return work


def _optuna(name: str) -> Work:
    def work(
        surrogate: Surrogate, seed: int, budget: float, workers: int
    ) -> tuple[Callable[[float], float], int]:
        steps, trials = drive(
            OptunaPeer(*OPTUNA[name](seed), surrogate.curve), surrogate.curve, budget, workers
        )
        return Anytime(steps, trials).at, trials

    return work
