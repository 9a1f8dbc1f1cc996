"""ASHA with near-ties by rank and together, judged by what the best is worth without its luck."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from parts import own_curves
from parts.anytime import interval
from parts.curve_recorder import Row
from parts.landscape import Fitted
from parts.lcbench import IMAGES, OTHERS, Noisy, Surrogate, spec
from parts.replayed import Arm, run
from parts.saved_rows import TRAININGS as TRAININGS_ELSEWHERE

from sweeper.config.spec import SweepSpec
from sweeper.runners import Workload
from sweeper.trial import Config

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)


@dataclass(frozen=True)
class Ground:
    """One seed of one set: what trains there, and what a configuration is worth."""

    spec: SweepSpec
    workload: Workload
    worth: Callable[[Config], float]
    budget: float
    images: int
    grace: int


def landscapes(rows: Sequence[Row], name: str, images: int, seeds: int) -> Iterator[Ground]:
    """Samples of the landscape through a recorded set; worth is the score in full without luck."""
    known = own_curves.table(rows, name)
    fitted = Fitted.of(known)
    for seed in range(seeds):
        sample = fitted.sample(seed)
        budget = own_curves.budget_of(known, "landscape")
        yield Ground(known.spec, sample, sample.true_score, budget, images, 1)


def surrogates(seeds: int) -> Iterator[Ground]:
    """The sets of LCBench for development that no table shows; worth is what regret lacks to 1."""
    for task, seed in itertools.product(OTHERS, range(seeds)):
        surrogate = Surrogate(task)

        def worth(config: Config, surrogate: Surrogate = surrogate) -> float:
            return 1 - surrogate.regret(float(surrogate.curve(config)[0].max()))

        budget = TRAININGS_ELSEWHERE * surrogate.full_cost
        yield Ground(spec(), Noisy(surrogate, seed), worth, budget, IMAGES, 2)


def compare(grounds: Iterator[Ground]) -> Mapping[str, np.ndarray]:
    """The worth of each arm's best [grounds, shares], and last how many trials it started."""
    found: dict[str, list[list[float]]] = {}
    for seed, ground in enumerate(grounds):
        for algorithm, kind, ties in itertools.product(
            ("random", "tpe"), ("stop", "promote"), ("rank", "together")
        ):
            rule = {"type": "asha", "kind": kind, "ties": ties, "grace": ground.grace, "reduction_factor": 3}
            arm = Arm("ties", {"algorithm": algorithm}, rule)
            told = run(ground.spec, arm, seed, ground.budget, ground.workload, images=ground.images)
            worth = [ground.worth(told.best(share * ground.budget)) for share in SHARES]
            found.setdefault(f"{algorithm}, {kind}, {ties}", []).append([*worth, told.trials])
    return {name: np.array(told) for name, told in found.items()}


def shown(title: str, found: Mapping[str, np.ndarray]) -> list[str]:
    """A table: worth after shares of the budget, and the differences of together to rank in pairs."""
    heads = [*(f"{share:.3g} spent" for share in SHARES), "more at 1/4", "more at last", "trials"]
    lines = [f"\n{title}\n", f"| arm | {' | '.join(heads)} |", "|" + " --- |" * (len(heads) + 1)]
    for name, told in found.items():
        cells = [_cell(column) for column in told[:, :-1].T]
        more = told - found[name.replace("together", "rank")]
        cells += [_cell(more[:, 1]), _cell(more[:, 3])] if name.endswith("together") else ["", ""]
        lines.append(f"| {name} | {' | '.join(cells)} | {told[:, -1].mean():.0f} |")
    return lines


def _cell(values: np.ndarray) -> str:
    mean, half = interval(list(values))
    return f"{100 * mean:.1f} ± {100 * half:.1f}"
