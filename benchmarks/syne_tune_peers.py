"""Syne Tune's ASHA and BOHB on LCBench, in an environment of their own.

    python -m venv PEERS && PEERS/bin/pip install syne-tune onnxruntime pydantic pyyaml
    PYTHONPATH=. PEERS/bin/python benchmarks/syne_tune_peers.py --seeds 8 --save FILE
    python benchmarks/search.py lcbench --seeds 8 --save FILE

Syne Tune 0.16 has neither MOBSTER nor DyHPO any more.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from parts.lcbench import EPOCHS, JUDGED, RANGES, Surrogate
from parts.saved_rows import SHARES, TRAININGS, Rows
from parts.virtual_workers import drive
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import lograndint, loguniform, randint, uniform
from syne_tune.optimizer.baselines import ASHA, ASHABORE, ASHACQR, BOHB

KINDS = {"ASHA": ASHA, "BOHB": BOHB, "ASHA + BORE": ASHABORE, "ASHA + CQR": ASHACQR}


class SyneTunePeer:
    """One of its schedulers, which owns its search."""

    def __init__(self, kind: Any, seed: int) -> None:
        space = {name: _spread(each) for name, each in RANGES.items()}
        np.random.seed(seed)  # noqa: NPY002 - it draws from the global generator
        self._scheduler = kind(
            space, metric="score", do_minimize=False, time_attr="epoch", max_t=EPOCHS, grace_period=2,
            reduction_factor=3, random_seed=seed,
        )  # fmt: skip
        self._count = 0

    def ask(self) -> tuple[Trial, Mapping[str, Any]]:
        config = self._scheduler.suggest().config
        trial = Trial(self._count, config, None)
        self._count += 1
        self._scheduler.on_trial_add(trial)
        return trial, config

    def goes_on(self, handle: Trial, epoch: int, score: float) -> bool:
        if epoch == EPOCHS:
            self._scheduler.on_trial_complete(handle, {"score": score, "epoch": epoch})
            return False
        return self._scheduler.on_trial_result(handle, {"score": score, "epoch": epoch}) == "CONTINUE"

    def ended(self, handle: Trial, epoch: int, score: float) -> None:
        if epoch < EPOCHS:
            self._scheduler.on_trial_remove(handle)


def _spread(each: Mapping[str, Any]) -> Any:
    is_log, low, high = "log" in str(each.get("distribution", "")), each["min"], each["max"]
    if isinstance(low, int):
        return lograndint(low, high) if is_log else randint(low, high)
    return loguniform(low, high) if is_log else uniform(low, high)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=["ASHA", "BOHB"])
    parser.add_argument("--save", type=Path, required=True)
    chosen = parser.parse_args()
    rows = Rows(chosen.save)
    for seed in range(chosen.seeds):
        for task in JUDGED:
            surrogate = Surrogate(task)
            budget = TRAININGS * surrogate.full_cost
            for name in chosen.kinds:
                key = (f"Syne Tune: {name}", task, seed, chosen.workers)
                if key in rows:
                    continue
                steps, trials = drive(
                    SyneTunePeer(KINDS[name], seed), surrogate.curve, budget, chosen.workers
                )
                best = [max((s for at, s in steps if at <= share * budget), default=0.0) for share in SHARES]
                rows.add(key, [surrogate.regret(score) for score in best], trials)
    return 0


if __name__ == "__main__":
    sys.exit(main())
