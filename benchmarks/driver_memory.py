"""Memory of the driver's process, with Ray Tune, torch, MLflow and Optuna loaded, while trials come and go.

No-op trials on this machine's Ray, the record on disk. What must hold: at 5,000 trials less than 1.5 times of
that at 500. Run:  python benchmarks/driver_memory.py [--trials 5000] [--reports 5] [--json]  (8 min)
"""

import argparse
import gc
import json
import logging
import tempfile
import time
from pathlib import Path

import mlflow
import optuna
import orchestration
import psutil
import ray
import torch

from sweeper.config.spec import parse_spec
from sweeper.runners import runner
from sweeper.store.events import AttemptEnded, Event
from sweeper.store.history import SweepHistory
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep

LOADED = (mlflow, optuna, torch)  # a driver has them in memory
BASE = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--reports", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(options.trials, options.reports, Path(folder))
    ray.shutdown()
    if options.json:
        print(json.dumps({"trials": options.trials, "reports": options.reports, "rows": rows}, indent=2))
        return
    base = next((row["mb"] for row in rows if row["trials"] == BASE), rows[0]["mb"])
    for row in rows:
        print(
            f"{row['trials']:6} trials  {row['mb']:8.1f} MB  {row['mb'] / base:5.2f}  {row['seconds']:6.0f} s"
        )


def measured(trials: int, reports: int, folder: Path) -> list[dict[str, float]]:
    """The process's resident memory whenever a tenth of the trials has ended, and at 500."""
    spec = parse_spec(orchestration.SPEC.format(trials=trials, reports=reports, search="random"))
    record = Record.create(folder / "record.db", {"sweep_id": "memory"})
    sweep = Sweep(spec, record)
    rows: list[dict[str, float]] = []
    looks = {BASE, *range(max(1, trials // 10), trials + 1, max(1, trials // 10))}
    began = time.monotonic()

    def heard(event: Event, history: SweepHistory) -> None:
        if isinstance(event, AttemptEnded) and len(history.over) in looks:
            gc.collect()
            memory = psutil.Process().memory_info().rss / 1e6
            rows.append({"trials": len(history.over), "mb": memory, "seconds": time.monotonic() - began})

    sweep.listen(heard)
    build = runner["ray_tune"](resources=spec.resources, state=folder / "tune", log=folder / "log")
    build(sweep, orchestration.no_op(reports), lambda: False)
    sweep.close()
    record.close()
    return rows


if __name__ == "__main__":
    main()
