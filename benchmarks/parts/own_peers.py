"""Our arms beside Optuna's and Syne Tune's on the landscapes of the recorded sets."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from parts import own_curves
from parts.anytime import interval
from parts.curve_recorder import Row as Recorded
from parts.landscape import Fitted, Landscape
from parts.optuna_peers import OPTUNA, OptunaPeer
from parts.replayed import WORKERS, Anytime, Arm, run
from parts.saved_rows import SHARES, Row, Rows
from parts.varied_sets import EPOCHS, SETS
from parts.virtual_workers import Peer, drive

from sweeper.search.random import RandomSearch
from sweeper.trial import Config, Trial, canonical, derive

FIRST = 12
GRACE = 1
Work = Callable[["OwnGround", int], Anytime]
"""A sweep on a set's landscape of a seed."""
HALF = SHARES.index(0.5)
OURS = (
    "portfolio, gp, promote",
    "portfolio, tpe, promote",
    "portfolio, tpe, stop",
    "gp, promote",
    "tpe, stop",
)
"""The search behind the members, if any, and the kind of ASHA."""
RANDOM = "random, stop"
ONE_EPOCH = "one epoch, then the best"


class OwnGround:
    """One set: a landscape for each seed, and the portfolio that was chosen on images of other archives."""

    def __init__(self, rows: Sequence[Recorded], name: str) -> None:
        self.name, self.known = name, own_curves.table(rows, name)
        self.spec = self.known.spec
        self.parameters: Mapping[str, Any] = {
            key: value
            for key, value in self.spec.resolved()["parameters"].items()
            if not (isinstance(value, dict) and "value" in value)
        }
        self.budget = own_curves.budget_of(self.known, "landscape")
        self.points = own_curves.first_points(rows, name, FIRST)

    @cached_property
    def fitted(self) -> Fitted:
        """The processes through the set's curves, which take seconds to fit."""
        return Fitted.of(self.known)

    def curves(self, seed: int) -> Callable[[Config], np.ndarray]:
        """Scores and seconds of any configuration; one that is run twice has the same luck."""
        landscape, known = self.fitted.sample(seed), dict[str, np.ndarray]()

        def curve(config: Config) -> np.ndarray:
            key = canonical(config)
            if key not in known:
                known[key] = _curve(landscape, config, derive(seed, key))
            return known[key]

        return curve


def _curve(landscape: Landscape, config: Config, luck: int) -> np.ndarray:
    reports = list(landscape(Trial(f"peer-{luck}", 0, config, seed=luck)))
    return np.array([[r.score for r in reports], [r.device_seconds for r in reports]])


def of_peer(ground: OwnGround, seed: int, make: Callable[[Callable[[Config], np.ndarray]], Peer]) -> Anytime:
    """What another project's search finds on the landscape of a seed."""
    curve = ground.curves(seed)
    return drive(make(curve), curve, ground.budget, WORKERS)


def arms() -> dict[str, Work]:
    """Every arm but Syne Tune's, which live in an environment of their own."""
    ours = {name: _ours(name) for name in (*OURS, RANDOM)}
    return ours | {ONE_EPOCH: _one_epoch} | {name: _optuna(name) for name in OPTUNA if "our" not in name}


def _ours(name: str) -> Work:
    *start, algorithm, kind = name.split(", ")
    rule = {"type": "asha", "kind": kind, "grace": GRACE, "reduction_factor": 3}

    def work(ground: OwnGround, seed: int) -> Anytime:
        arm = Arm(name, {"algorithm": algorithm}, rule, ground.points if start else ())
        return run(ground.spec, arm, seed, ground.budget, ground.fitted.sample(seed))

    return work


def _one_epoch(ground: OwnGround, seed: int) -> Anytime:
    draws = RandomSearch(ground.spec.space, seed)
    configs = [draws.suggest(number) for number in range(500)]
    return own_curves.one_epoch(ground.fitted.sample(seed), configs, ground.budget)


def _optuna(name: str) -> Work:
    def work(ground: OwnGround, seed: int) -> Anytime:
        chosen = OPTUNA[name](seed, GRACE, EPOCHS)
        return of_peer(ground, seed, lambda curve: OptunaPeer(*chosen, ground.parameters, curve, EPOCHS))

    return work


def measure(rows: Rows, grounds: Sequence[OwnGround], works: Mapping[str, Work], seeds: int) -> None:
    """Run what the rows lack; what they hold is 1 - score, so that less is better as with regret."""
    for seed, ground, (name, work) in itertools.product(range(seeds), grounds, works.items()):
        key = (name, ground.name, seed, WORKERS)
        if key not in rows:
            found = work(ground, seed)
            rows.add(key, [1 - found.at(share * ground.budget) for share in SHARES], found.trials)


def shown(rows: Rows, name: str, seeds: int) -> list[str]:
    """A set's table: scores, and the first arm at half of the budget beside each other one at its end."""
    found = {
        arm: {seed: row for (of_set, seed), row in of_arm.items() if of_set == name}
        for arm, of_arm in rows.of(seeds, WORKERS).items()
    }
    ours = found[OURS[0]]
    heads = [*(f"{share:.4g}" for share in SHARES), "ahead at half", "seeds"]
    lines = [
        f"\n{name}: best {SETS[name].metric} in % after shares of {own_curves.TRAININGS} mean trainings\n",
        f"| arm | {' | '.join(heads)} |",
        "|" + " --- |" * (len(heads) + 1),
    ]
    for arm, of_arm in sorted(found.items(), key=lambda each: _mean_at_last(each[1])):
        columns = zip(*(row.regret for row in of_arm.values()), strict=True)
        cells = [own_curves.cell([1 - lacking for lacking in column]) for column in columns]
        pairs = [of_arm[seed].regret[-1] - row.regret[HALF] for seed, row in ours.items() if seed in of_arm]
        mean, half = interval(pairs)
        cells.append(f"{100 * mean:.1f} ± {100 * half:.1f}" if of_arm is not ours else "")
        lines.append(f"| {arm} | {' | '.join(cells)} | {len(of_arm)} |")
    return lines


def _mean_at_last(rows: Mapping[int, Row]) -> float:
    return float(np.mean([row.regret[-1] for row in rows.values()]))


def grounds_of(rows: Sequence[Recorded], names: Sequence[str]) -> list[OwnGround]:
    return [OwnGround(rows, name) for name in names]
