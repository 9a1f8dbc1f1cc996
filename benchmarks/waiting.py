"""ASHA on few slots: the first at a rung run on, wait for others to compare them with, or all are promoted.

    python benchmarks/waiting.py [--sets cifar groceries lcbench] [--seeds 12] [--slots 1 2]

The product's own sweep on a virtual clock, on landscapes through recorded curves and on LCBench, whose folder
is $LCBENCH_ROOT. Prints tables in Markdown: 95 % intervals over seeds (and sets), differences in pairs.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from parts import own_curves
from parts.anytime import interval
from parts.curve_recorder import FOLDER, Row, read
from parts.landscape import Fitted
from parts.lcbench import TASKS, Surrogate, spec
from parts.lcbench_arms import EARLY, points
from parts.replayed import Arm, run
from parts.saved_rows import TRAININGS as TRAININGS_ELSEWHERE
from parts.waiting_asha import NAME

from sweeper.config.spec import SweepSpec
from sweeper.runners import Workload
from sweeper.trial import Config

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
UNSEEN = TASKS[8:]
"""The default is chosen on these; the tables of the searches are made on the others."""
RULES = {
    "run": {"type": "asha", "kind": "stop"},
    "wait": {"type": NAME},
    "wait at the lowest": {"type": NAME, "waits": 1},
    "promote": {"type": "asha", "kind": "promote"},
}
SEARCHES = {"random": "", "tpe": "portfolio, "}
"""Searches, and what they begin with: at random, and as `sweeper init` writes it."""


@dataclass(frozen=True)
class Stage:
    """One seed of one set: what trains there, what a portfolio begins with, and the scores that count as 0
    and as 1."""

    spec: SweepSpec
    workload: Workload
    budget: float
    grace: int
    first: Sequence[Config]
    ends: tuple[float, float] = (0.0, 1.0)

    def worth(self, score: float) -> float:
        return (score - self.ends[0]) / (self.ends[1] - self.ends[0])


def landscapes(rows: Sequence[Row], name: str, seeds: int) -> Iterator[Stage]:
    """Samples of the landscape through a recorded set; the portfolio is from the other images."""
    known = own_curves.table(rows, name)
    fitted, first = Fitted.of(known), own_curves.first_points(rows, name, 12)
    budget = own_curves.budget_of(known, "landscape")
    for seed in range(seeds):
        yield Stage(known.spec, fitted.sample(seed), budget, 1, first)


def surrogates(seeds: int) -> Iterator[Stage]:
    """The sets of LCBench for development that no table shows; 1 - regret."""
    for task, _ in itertools.product(UNSEEN, range(seeds)):
        surrogate = Surrogate(task)
        finals = surrogate.drawn[:, 0].max(axis=1)
        ends = (float(np.median(finals)), float(finals.max()))
        budget = TRAININGS_ELSEWHERE * surrogate.full_cost
        yield Stage(spec(), surrogate, budget, 2, points(task, EARLY), ends)


def compare(stages: Iterator[Stage], slots: int) -> Mapping[str, np.ndarray]:
    """The worth of each arm's best score [stages, shares], and last how many trials it started."""
    found: dict[str, list[list[float]]] = {}
    for seed, stage in enumerate(stages):
        for (algorithm, begun), (name, rule) in itertools.product(SEARCHES.items(), RULES.items()):
            asha = {"grace": stage.grace, "reduction_factor": 3, **rule}
            arm = Arm(name, {"algorithm": algorithm}, asha, stage.first if begun else ())
            told = run(stage.spec, arm, seed, stage.budget, stage.workload, slots)
            worth = [stage.worth(told.at(share * stage.budget)) for share in SHARES]
            found.setdefault(f"{begun}{algorithm}, {name}", []).append([*worth, told.trials])
    return {name: np.array(told) for name, told in found.items()}


def shown(title: str, found: Mapping[str, np.ndarray]) -> list[str]:
    """A table after shares of the budget: the worth where the first run on, else how much more, paired."""
    heads = [*(f"{share:.3g} spent" for share in SHARES), "trials"]
    lines = [f"\n{title}\n", f"| arm | {' | '.join(heads)} |", "|" + " --- |" * (len(heads) + 1)]
    for name, told in found.items():
        search, _, rule = name.rpartition(", ")
        columns = told if rule == "run" else told - found[f"{search}, run"]
        cells = [_cell(column, is_signed=rule != "run") for column in columns[:, :-1].T]
        lines.append(f"| {name} | {' | '.join(cells)} | {told[:, -1].mean():.0f} |")
    return lines


def _cell(values: np.ndarray, *, is_signed: bool) -> str:
    mean, half = interval(list(values))
    return f"{100 * mean:{'+' if is_signed else ''}.1f} ± {100 * half:.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["cifar", "groceries"], help="also lcbench")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--slots", nargs="+", type=int, default=[1, 2])
    chosen = parser.parse_args()
    for slots, name in itertools.product(chosen.slots, chosen.sets):
        is_made = name == "lcbench"
        stages = surrogates(chosen.seeds) if is_made else landscapes(read(FOLDER), name, chosen.seeds)
        title = f"{name}, {slots} slots, {chosen.seeds} seeds: {'100 - regret' if is_made else 'score'} in %"
        print(*shown(title, compare(stages, slots)), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
