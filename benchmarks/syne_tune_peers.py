"""Syne Tune's ASHA and BOHB on LCBench and on our own recorded sets, in an environment of their own.

    python -m venv PEERS && PEERS/bin/pip install -e . syne-tune onnxruntime scikit-learn
    PEERS/bin/python benchmarks/syne_tune_peers.py --seeds 8 --save FILE
    python benchmarks/search.py lcbench --seeds 8 --save FILE
    PEERS/bin/python benchmarks/syne_tune_peers.py --own --seeds 20 --save OWN
    python benchmarks/search.py peers --seeds 20 --save OWN

Syne Tune 0.16 has neither MOBSTER nor DyHPO any more.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from parts import own_peers
from parts.curve_recorder import FOLDER, read
from parts.lcbench import EPOCHS, JUDGED, RANGES, Surrogate
from parts.peer_space import configured, flat, is_log
from parts.saved_rows import SHARES, TRAININGS, Rows
from parts.varied_sets import EPOCHS as OWN_EPOCHS
from parts.virtual_workers import drive
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer.baselines import ASHA, ASHABORE, ASHACQR, BOHB

KINDS = {"ASHA": ASHA, "BOHB": BOHB, "ASHA + BORE": ASHABORE, "ASHA + CQR": ASHACQR}


class SyneTunePeer:
    """One of its schedulers, which owns its search."""

    def __init__(self, kind: Any, seed: int, parameters: Mapping[str, Any], epochs: int, grace: int) -> None:
        space = {name: _spread(each) for name, each in flat(parameters).items()}
        np.random.seed(seed)  # noqa: NPY002 - it draws from the global generator
        self._scheduler = kind(
            space, metric="score", do_minimize=False, time_attr="epoch", max_t=epochs, grace_period=grace,
            reduction_factor=3, random_seed=seed,
        )  # fmt: skip
        self._parameters, self._epochs = parameters, epochs
        self._count = 0

    def ask(self) -> tuple[Trial, Mapping[str, Any]]:
        config = self._scheduler.suggest().config
        trial = Trial(self._count, config, None)
        self._count += 1
        self._scheduler.on_trial_add(trial)
        return trial, configured(self._parameters, lambda name, _: config[name])

    def goes_on(self, handle: Trial, epoch: int, score: float) -> bool:
        if epoch == self._epochs:
            self._scheduler.on_trial_complete(handle, {"score": score, "epoch": epoch})
            return False
        return self._scheduler.on_trial_result(handle, {"score": score, "epoch": epoch}) == "CONTINUE"

    def ended(self, handle: Trial, epoch: int, score: float) -> None:
        if epoch < self._epochs:
            self._scheduler.on_trial_remove(handle)


def _spread(each: Any) -> Any:
    if isinstance(each, list):
        return choice(each)
    low, high = each["min"], each["max"]
    if isinstance(low, int):
        return lograndint(low, high) if is_log(each) else randint(low, high)
    return loguniform(low, high) if is_log(each) else uniform(low, high)


def _own(kind: Any) -> Any:
    """An arm on a landscape of our own."""

    def work(ground: own_peers.OwnGround, seed: int) -> Any:
        def made(_: Any) -> SyneTunePeer:
            return SyneTunePeer(kind, seed, ground.parameters, OWN_EPOCHS, own_peers.GRACE)

        return own_peers.of_peer(ground, seed, made)

    return work


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=["ASHA", "BOHB"])
    parser.add_argument("--save", type=Path, required=True)
    parser.add_argument("--own", action="store_true", help="on CIFAR-10 and groceries, not on LCBench")
    chosen = parser.parse_args()
    rows = Rows(chosen.save)
    if chosen.own:
        works = {f"Syne Tune: {name}": _own(KINDS[name]) for name in chosen.kinds}
        grounds = own_peers.grounds_of(read(FOLDER), ["cifar", "groceries"])
        own_peers.measure(rows, grounds, works, chosen.seeds)
        return 0
    for seed in range(chosen.seeds):
        for task in JUDGED:
            surrogate = Surrogate(task)
            budget = TRAININGS * surrogate.full_cost
            for name in chosen.kinds:
                key = (f"Syne Tune: {name}", task, seed, chosen.workers)
                if key in rows:
                    continue
                peer = SyneTunePeer(KINDS[name], seed, RANGES, EPOCHS, grace=2)
                found = drive(peer, surrogate.curve, budget, chosen.workers)
                rows.add(key, [surrogate.regret(found.at(share * budget)) for share in SHARES], found.trials)
    return 0


if __name__ == "__main__":
    sys.exit(main())
