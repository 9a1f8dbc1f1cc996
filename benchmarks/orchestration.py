"""Overhead: sweeper's Ray runner, with record, ledger and MLflow on, beside a bare Ray Tune script.

Both run the same number of no-op trials and reports on the same Ray, in turns; figures are medians of
wall seconds and the driver's CPU seconds. MLflow's store exists before, as on any machine but a new one.
Run:  python benchmarks/orchestration.py [--trials 40] [--json]     Memory: benchmarks/driver_memory.py
"""

import argparse
import contextlib
import json
import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ray
from ray import tune

from sweeper.config.spec import parse_spec
from sweeper.runners import runner
from sweeper.store.outbox import sweep_row
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trackers import Target, tracker
from sweeper.trackers.sender import Sender
from sweeper.trial import Report, Trial

SPEC = """
name: overhead
dataset: {{source: synthetic}}
parameters: {{x: {{min: 0.0, max: 1.0}}, layers: {{min: 1, max: 4}}}}
train: {{epochs: {reports}}}
search: {{algorithm: {search}, seed: 1}}
scheduler: {{type: none}}
budget: {{trials: {trials}}}
"""


SLOTS = len(os.sched_getaffinity(0))


class NoOp(tune.Trainable):
    """What a bare script's trial does: count to the last report."""

    def setup(self, config):
        """Begin to count."""
        self.epoch = 0

    def reset_config(self, new_config):
        """Begin anew in the same process."""
        self.epoch = 0
        return True

    def step(self):
        """One report."""
        self.epoch += 1
        return {"valid/top5": self.config["x"], "done": self.epoch >= self.config["reports"]}


def no_op(reports: int) -> Callable[[Trial], Iterator[Report]]:
    """The same for sweeper."""

    def workload(trial: Trial) -> Iterator[Report]:
        for epoch in range(1, reports + 1):
            score = trial.config["x"]
            yield Report(epoch, score, 0.001 * epoch, {"valid/top5": score, "train/loss": 1.0})

    return workload


def bare(trials: int, reports: int, folder: Path, *, has_loggers: bool) -> None:
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "0" if has_loggers else "1"
    tuner = tune.Tuner(
        tune.with_resources(NoOp, {"CPU": 1}),
        param_space={"x": tune.uniform(0, 1), "layers": tune.randint(1, 5), "reports": reports},
        tune_config=tune.TuneConfig(num_samples=trials, reuse_actors=True, max_concurrent_trials=SLOTS),
        run_config=tune.RunConfig(
            storage_path=str(folder),
            name="bare",
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    results = tuner.fit()
    if results.num_errors:
        raise RuntimeError(f"{results.num_errors} bare trials failed: {results.errors[0]}")


def ours(trials: int, reports: int, folder: Path, *, search: str, store: Path) -> None:
    spec = parse_spec(SPEC.format(trials=trials, reports=reports, search=search))
    record = Record.create(folder / "record.db", {"sweep_id": folder.name})
    record.append(outbox=[sweep_row(spec, folder.name)])
    target = Target(f"sqlite:///{store / 'mlflow.db'}", folder.name, folder.name)
    sender = Sender(lambda: Record.open(folder / "record.db"), lambda: tracker["mlflow"](target))
    sender.start()
    sweep = Sweep(spec, record)
    build = runner["ray_tune"](resources=spec.resources, state=folder / "tune", log=folder / "log")
    build(sweep, no_op(reports), lambda: False)
    sweep.close()
    sender.close()
    record.close()


def timed(work: Callable[[Path], None]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        wall, cpu = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(nowhere):
            work(Path(folder))
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--reports", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    n, k = options.trials, options.reports
    store = Path(tempfile.mkdtemp())  # MLflow makes its tables once a machine, not once a sweep
    ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    variants: dict[str, Callable[[Path], None]] = {
        "bare Ray Tune, default loggers": lambda folder: bare(n, k, folder, has_loggers=True),
        "bare Ray Tune, no loggers": lambda folder: bare(n, k, folder, has_loggers=False),
        "sweeper, random": lambda folder: ours(n, k, folder, search="random", store=store),
        "sweeper, tpe": lambda folder: ours(n, k, folder, search="tpe", store=store),
    }
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    timed(variants["sweeper, random"])  # imports and the first worker processes are nobody's overhead
    for _ in range(options.rounds):
        for name, work in variants.items():
            measured[name].append(timed(work))
    ray.shutdown()
    shutil.rmtree(store)
    rows = {
        name: {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu")}
        for name, runs in measured.items()
    }
    if options.json:
        print(json.dumps({"trials": n, "reports": k, "rounds": options.rounds, "rows": rows}, indent=2))
        return
    base = rows["bare Ray Tune, default loggers"]["wall"]
    print(f"{n} trials of {k} reports, medians of {options.rounds} rounds in turns")
    print(f"{'':32}{'wall s':>8}{'s/trial':>9}{'driver CPU s':>14}{'wall ratio':>12}")
    for name, row in rows.items():
        ratio = row["wall"] / base
        print(f"{name:32}{row['wall']:8.1f}{row['wall'] / n:9.3f}{row['cpu']:14.1f}{ratio:12.2f}")


if __name__ == "__main__":
    main()
