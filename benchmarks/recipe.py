"""Recipes: what a device-second teaches under `study2017`, `plain` and `fast`, with networks of equal cost.

Valid top-1 and top-5 after each epoch, over CPU-seconds of the process that trains (one thread; the network's
set-up and the fit of its first layer included, imports and decoding not). Every run has its own process;
arms take turns and share seeds, so differences are paired. Networks have equal operations in a forward pass,
to 10 %. `default` is `plain` with the network that `cnn` is when nothing is said, a third of that; `small` is
`fast` at that cost. `picked` is the best that was found by hand in the space before `fast` was there.

    python benchmarks/recipe.py --data ../shared/data --keep benchmarks/results/recipe.json
    python benchmarks/recipe.py --from benchmarks/results/recipe.json             # tables of an earlier run

`--keep` is written after each run, and a run that stands there is not made again: stop it when you like.
Choosing `fast` used other seeds and images: a fifth of the training split held back, seeds 101 and 102.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from parts.anytime import Curve, at, interval, ratio_interval, reached
from parts.measure import cpu

from sweeper.config.spec import SweepSpec, parse_spec
from sweeper.data.dataset import describe, open_dataset
from sweeper.plan.network_cost import size_of
from sweeper.training.device import prepare
from sweeper.training.loop import train
from sweeper.training.recipe import compose
from sweeper.trial import Trial, derive

ARMS = ("study2017", "plain", "fast", "picked", "default", "small")
PAIRS = (("fast", "study2017"), ("fast", "plain"), ("fast", "picked"), ("small", "default"))
AIMED = ("plain", "default")  # what fast must leave behind by the aims; picked must only be behind
METRICS = ("valid/top1", "valid/top5")


@dataclass(frozen=True)
class Task:
    """One data set: its archive and name in a sweep file, what all arms share, what each has of its own."""

    archive: str
    dataset: Mapping[str, Any]
    shared: Mapping[str, Any]
    train: Mapping[str, Any]
    metric: str
    share: float  # of plain's device-seconds within which fast must reach plain's end
    lead: float  # by which it must be ahead after equally many
    arms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


BLOCKS = {"filters": [24, 48, 64], "convs_per_block": 2}
EQUAL: Mapping[str, Mapping[str, Any]] = {
    "study2017": {"filters": 90},
    "plain": {"filters": 58},
    "fast": {"filters": [24, 48, 64]},
    "default": {},
    "small": {"filters": [10, 24, 40]},
}
TASKS: Mapping[str, Task] = {
    "cifar": Task(
        archive="cifar-10-jpeg-subset-python.tar.gz",
        dataset={"source": "cifar10", "root": "cifar-10-batches-py"},
        shared={"pixels": 32},
        train={"epochs": 6},
        metric="valid/top1",
        share=0.4,
        lead=0.20,
        arms={
            **EQUAL,
            "picked": {
                **BLOCKS, "optimizer": "sgd", "learning_rate": 0.2, "augmentation": "custom",
                "flip_horizontal": True,
            },
        },
    ),
    "groceries": Task(
        archive="freiburg25.tar",
        dataset={"source": "uecfood", "root": "freiburg25"},
        shared={"pixels": 48},
        train={"epochs": 8},
        metric="valid/top5",
        share=0.5,
        lead=0.07,
        arms={
            **EQUAL,
            "picked": {
                "learning_rate": 0.01, "label_smoothing": 0.1, "augmentation": "custom",
                "flip_horizontal": True,
            },
        },
    ),
    "digits": Task(
        archive="",
        dataset={"source": "digits"},
        shared={"pixels": 8, "layers": 2, "augmentation": "none"},  # a mirrored digit is none
        train={"epochs": 15, "batch_size": 32},
        metric="valid/top1",
        share=1.0,
        lead=0.0,
        arms={"study2017": {"filters": 42}, "plain": {"filters": 28}, "fast": {"filters": [16, 32]}},
    ),
}  # fmt: skip


def spec_of(task: Task, arm: str, data: Path) -> SweepSpec:
    """The sweep file of one arm: a recipe, and every parameter fixed."""
    dataset = dict(task.dataset)
    if "root" in dataset:
        dataset["root"] = str(data / dataset["root"])
    recipe = {"study2017": "study2017", "fast": "fast", "small": "fast"}.get(arm, "plain")
    written = {
        "name": "recipe",
        "recipe": recipe,
        "dataset": dataset,
        "parameters": {key: {"value": value} for key, value in {**task.shared, **task.arms[arm]}.items()},
        "train": dict(task.train),
        "budget": {"trials": 1},
    }
    return parse_spec(json.dumps(written))


def alone(name: str, arm: str, seed: int, data: Path) -> dict[str, Any]:
    """Train one network in this process; the curve is a row an epoch: CPU-seconds, top-1, top-5."""
    task = TASKS[name]
    spec = spec_of(task, arm, data)
    config = spec.space.sample(lambda key, _: spec.parameters[key].extremes()[0])
    recipe, cache = compose(config, spec.train), data / "cache"
    size = size_of(config, spec, describe(spec.dataset, cache))
    images = open_dataset(
        spec.dataset,
        pixels=recipe.pixels,
        normalization=recipe.normalization,
        options=recipe.normalization_options,
        cache=cache,
    )
    trial = Trial(f"{arm}-{seed}", seed, config, seed=derive(seed, "recipe"))
    device = torch.device("cpu")
    prepare(device)
    began, started, curve = time.process_time(), time.monotonic(), list[tuple[float, float, float]]()
    for report in train(trial, images, recipe, objective=task.metric, device=device):
        top1, top5 = (round(report.metrics[metric], 4) for metric in METRICS)
        curve.append((round(time.process_time() - began, 2), top1, top5))
    return {
        "set": name,
        "arm": arm,
        "seed": seed,
        "megaflops": round(size.work.flops / 1e6, 2),
        "parameters": size.parameters,
        "wall": round(time.monotonic() - started, 1),
        "curve": curve,
    }


def unpacked(data: Path, archives: Path) -> None:
    """The images, once; the first run of each set then decodes them into the cache."""
    for task in TASKS.values():
        if task.archive and not (data / str(task.dataset["root"])).is_dir():
            with tarfile.open(archives / task.archive) as archive:
                archive.extractall(data, filter="data")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Every arm with every seed, in turns; what `--keep` holds already is not trained again."""
    held: dict[str, Any] = {"runs": []}
    if options.keep.is_file():
        held = json.loads(options.keep.read_text(encoding="utf-8"))
    options.work.mkdir(parents=True, exist_ok=True)
    unpacked(options.work, options.data)
    done = {(run["set"], run["arm"], run["seed"]) for run in held["runs"]}
    wanted = [
        (name, arm, seed)
        for seed in range(1, options.seeds + 1)
        for name in options.sets
        for arm in TASKS[name].arms
    ]
    for name, arm, seed in wanted:
        if (name, arm, seed) not in done:
            command = [sys.executable, __file__, "--run", name, arm, str(seed), "--work", str(options.work)]
            found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            held["runs"].append(json.loads(found.splitlines()[-1]))
            keep(options.keep, {**described(), **held})
            print({**held["runs"][-1], "curve": held["runs"][-1]["curve"][-1]}, file=sys.stderr)
    return {**described(), **held}


def described() -> dict[str, Any]:
    machine = f"{cpu()}, {os.cpu_count()} cores shared, one thread a run, Python {platform.python_version()}"
    return {"machine": machine, "date": time.strftime("%Y-%m-%d")}


def keep(path: Path, held: dict[str, Any]) -> None:
    """A run a line, so that a diff shows which changed."""
    lines = ",\n  ".join(json.dumps(run) for run in held["runs"])
    head = json.dumps({**held, "runs": []}).removesuffix('"runs": []}')
    part = path.with_suffix(".part")
    part.write_text(f'{head}"runs": [\n  {lines}\n]}}\n', encoding="utf-8")
    part.replace(path)


def tell(held: dict[str, Any]) -> int:
    """A table for each set, then fast beside each other arm, seed by seed; 0 where every aim is met."""
    print(f"{held['machine']}; {held['date']}; mean and 95 % interval")
    verdicts = list[bool]()
    for name, task in TASKS.items():
        runs = {arm: of(held["runs"], name, arm) for arm in ARMS}
        runs = {arm: found for arm, found in runs.items() if len(found) > 1}
        if "fast" not in runs:
            continue
        print(f"\n{name}: {len(runs['fast'])} seeds, {task.train['epochs']} epochs")
        print("  arm         MFLOPs    CPU-s  s/epoch          top-1 %          top-5 %")
        for arm, found in runs.items():
            print(row(arm, list(found.values())))
        for ours, other in PAIRS:
            if ours in runs and other in runs:
                verdicts.append(compare(runs, ours, other, task))
    return 0 if all(verdicts) else 1


def of(runs: list[dict[str, Any]], name: str, arm: str) -> dict[int, dict[str, Any]]:
    return {run["seed"]: run for run in runs if run["set"] == name and run["arm"] == arm}


def row(arm: str, runs: list[dict[str, Any]]) -> str:
    seconds, _ = interval([run["curve"][-1][0] for run in runs])
    epochs = len(runs[0]["curve"])
    scores = [interval([100 * run["curve"][-1][place] for run in runs]) for place in (1, 2)]
    cells = "".join(f"{mean:11.1f} ± {half:3.1f}" for mean, half in scores)
    return f"  {arm:10} {runs[0]['megaflops']:7.1f} {seconds:8.1f} {seconds / epochs:8.2f} {cells}"


def compare(runs: dict[str, dict[int, dict[str, Any]]], ours: str, other: str, task: Task) -> bool:
    """Where one arm is after the other's device-seconds, and after how many it was where the other ended."""
    leads, ratios = list[float](), list[float]()
    for seed in sorted(set(runs[ours]) & set(runs[other])):
        curve, theirs = (curve_of(runs[arm][seed], task.metric) for arm in (ours, other))
        spent, final = theirs[-1]
        leads.append(100 * (at(curve, spent) - final))
        ratios.append(reached(curve, final) / spent)
    lead, half = interval(leads)
    middle, low, high = ratio_interval(ratios)
    least, share = (100 * task.lead, task.share) if other in AIMED else (0.0, math.inf)
    is_met = other == "study2017" or (lead >= least and middle <= share)
    print(
        f"  {ours} beside {other}: {lead:+.1f} ± {half:.1f} points of {task.metric} after equal CPU-seconds "
        f"(aim {least:+.0f}); {middle:.2f} ({low:.2f} to {high:.2f}) of its CPU-seconds to where it ends "
        f"(aim {share:g}): {'met' if is_met else 'NOT MET'}"
    )
    return is_met


def curve_of(run: dict[str, Any], metric: str) -> Curve:
    place = 1 + METRICS.index(metric)
    return [(row[0], row[place]) for row in run["curve"]]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the archives")
    parser.add_argument("--work", type=Path, default=Path("runs/recipe"), help="for unpacked images")
    parser.add_argument("--keep", type=Path, help="JSON file for what was found")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--from", type=Path, dest="held", help="JSON file of an earlier run")
    parser.add_argument("--run", nargs=3, metavar=("SET", "ARM", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = parsed()
    if options.run:
        name, arm, seed = options.run
        print(json.dumps(alone(name, arm, int(seed), options.work)))
        return 0
    if not options.held and not options.keep:
        raise SystemExit("say where to keep the runs (--keep FILE), or read them (--from FILE)")
    held = json.loads(options.held.read_text(encoding="utf-8")) if options.held else measure(options)
    return tell(held)


if __name__ == "__main__":
    sys.exit(main())
