"""What noise does to a search: how much the best score flatters its configuration.

python benchmarks/noise.py record      trains again, with another seed, what `curves/cnn` has of three sets
python benchmarks/noise.py winner      the winner's score and the shrunk one, held against the winner's repeat
python benchmarks/noise.py race        what a race among the finalists of a sweep costs and saves
python benchmarks/noise.py ties        near-ties at a rung together or by rank; lcbench needs $LCBENCH_ROOT
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from parts import tied_arms
from parts.curve_recorder import FOLDER, Row, Task, append, curve, read
from parts.varied_sets import PAIRED, SEED, SETS, drawn, unpack

from sweeper.results.winners_curse import shrunk
from sweeper.schedulers.parts.noise import LUCK, binomial
from sweeper.sweep.race import FEWEST, behind
from sweeper.trial import Goal

REPEATS = FOLDER.parent / "repeats.parquet"
REPEATED = {"cifar": 1_070, "groceries": 990, "digits": 629}
"""Sets that are trained again, and their validation images."""
SIZES = (6, 12, 24)
"""Configurations of a sweep that is drawn from those that were trained twice."""

Array = np.ndarray
GROUNDS: Mapping[str, Callable[[np.random.Generator, int], Array]] = {
    "normal, 80 ± 5 %": lambda random, size: np.clip(random.normal(0.8, 0.05, size), 0.05, 0.97),
    "exponential below 90 %": lambda random, size: np.clip(0.9 - random.exponential(0.1, size), 0.1, 0.97),
    "plateau: 40 % at 85 ± 0.5, others 20 to 80": lambda random, size: np.where(
        random.random(size) < 0.4, random.normal(0.85, 0.005, size), random.uniform(0.2, 0.8, size)
    ),
    "uniform, 20 to 90 %": lambda random, size: random.uniform(0.2, 0.9, size),
}
"""True scores of random configurations."""


def record(archives: Path, work: Path, until: float) -> None:
    """Train what is recorded once more, one thread, under its own schedule; goes on where it stopped."""
    torch.set_num_threads(1)
    configs, first = drawn(PAIRED), {_task(row) for row in read(FOLDER)}
    known = {_task(row) for row in _repeats()}
    for number in range(PAIRED):
        for name in REPEATED:
            task = Task(number, name, str(configs[number]["schedule"]))
            if task not in first or task in known:
                continue
            if time.time() > until:
                return
            unpack(SETS[name], archives, work)
            rows = list(curve(SETS[name], configs[number], task, work, SEED + 1))
            append(REPEATS, rows)
            print(f"{time.strftime('%H:%M:%S')} {number:3} {name:12} {rows[-1]['top1']:.3f}", flush=True)


def twice(name: str) -> Array:
    """Best scores [configurations, 2] of one set: the run of `curves/cnn` and its repeat."""
    column = SETS[name].metric.removeprefix("valid/")
    best: list[dict[Task, float]] = [{}, {}]
    for of_run, rows in zip(best, (read(FOLDER), _repeats()), strict=True):
        for row in rows:
            of_run[_task(row)] = float(np.fmax(of_run.get(_task(row), 0.0), row[column]))
    shared = sorted(task for task in best[1] if task.set == name)
    return np.array([[of_run[task] for of_run in best] for task in shared])


def errors(told: Array, repeat: Array, variance: Array) -> tuple[float, float]:
    """How far the winner's score is above its repeat, as it is and shrunk."""
    order = np.argsort(-told, kind="stable")
    truth = float(repeat[order[0]])
    return float(told[order[0]] - truth), shrunk(told[order], variance[order]) - truth


def drawn_sweeps(name: str, size: int, sweeps: int, *, is_better: bool) -> list[tuple[float, float]]:
    """Sweeps among the configurations that were trained twice, or among the better half of them.

    Which of the two runs the search saw is drawn too.
    """
    runs, random = twice(name), np.random.default_rng([SEED, size])
    runs = runs[_better(runs)] if is_better else runs
    variance = LUCK * np.array([[binomial(score, REPEATED[name]) for score in pair] for pair in runs])
    found: list[tuple[float, float]] = []
    for _ in range(sweeps):
        places, seen = random.permutation(len(runs))[:size], random.integers(2, size=size)
        found.append(errors(runs[places, seen], runs[places, 1 - seen], variance[places, seen]))
    return found


def made_sweeps(ground: str, size: int, images: int, sweeps: int) -> list[tuple[float, float]]:
    """Sweeps whose true scores are known: the error of a run is the binomial one."""
    random = np.random.default_rng([SEED, size, images])
    found: list[tuple[float, float]] = []
    for _ in range(sweeps):
        true = GROUNDS[ground](random, size)
        told = random.binomial(images, true) / images
        found.append(errors(told, true, np.array([binomial(score, images) for score in told])))
    return found


def show(sweeps: int) -> None:
    """Tables in Markdown: the mean error and its root mean square, raw and shrunk, in points."""
    head = "| {} | configurations | too high | too high, shrunk | error | error, shrunk |"
    print(head.format("trained twice"), "| --- | --- | --- | --- | --- | --- |", sep="\n")
    for name in REPEATED:
        runs = twice(name)
        for size, is_better in itertools.product(SIZES, (False, True)):
            count = len(runs) // 2 if is_better else len(runs)
            if size < count:
                of = f"the better {count}" if is_better else str(count)
                found = drawn_sweeps(name, size, sweeps, is_better=is_better)
                print(f"| {name} | {size} of {of} {_cells(found)}")
    print()
    print(head.format("made, images"), "| --- | --- | --- | --- | --- | --- |", sep="\n")
    for ground in GROUNDS:
        for size, images in ((6, 300), (24, 300), (24, 1_000)):
            print(f"| {ground}, {images} | {size} {_cells(made_sweeps(ground, size, images, sweeps))}")
    print()
    for name, images in REPEATED.items():
        runs = twice(name)
        seen = (runs[:, 0] - runs[:, 1]) ** 2 / 2
        told = np.array([binomial(score, images) for score in runs.mean(axis=1)])
        best = _better(runs)
        share, of_best = seen.mean() / told.mean(), seen[best].mean() / told[best].mean()
        print(f"{name}: {len(runs)} pairs, {share:.2f} of the binomial variance; better half {of_best:.2f}")


def show_ties(name: str, seeds: int) -> None:
    """The table of one set, or of LCBench."""
    if name == "lcbench":
        grounds = tied_arms.surrogates(seeds)
        sets, images = len(tied_arms.OTHERS), tied_arms.IMAGES
        title = f"LCBench, {sets} sets, {seeds} seeds, {images:,} images: 100 - regret in %"
    else:
        grounds = tied_arms.landscapes(read(FOLDER), name, REPEATED[name], seeds)
        title = f"{name}, landscape, {seeds} seeds: score without luck in %"
    print(*tied_arms.shown(title, tied_arms.compare(grounds)), sep="\n", flush=True)


def _cells(found: list[tuple[float, float]]) -> str:
    table = 100 * np.array(found)
    mean, root = table.mean(axis=0), np.sqrt((table**2).mean(axis=0))
    return f"| {mean[0]:.2f} | {mean[1]:.2f} | {root[0]:.2f} | {root[1]:.2f} |"


def _better(runs: Array) -> Array:
    return np.argsort(-runs.mean(axis=1))[: len(runs) // 2]


def _repeats() -> list[Row]:
    return pq.read_table(REPEATS).to_pylist() if REPEATS.exists() else []


def _task(row: Row) -> Task:
    return Task(int(row["number"]), str(row["set"]), str(row["schedule"]))


def raced(random: np.random.Generator, gap: float, seeds: int, top: int = 3) -> tuple[float, float, float]:
    """Run one final, whose true scores lie exponential gaps of mean `gap` apart; a seed has deviation 1.

    Returns the true score that the winner has less than the best one has, with all seeds and in a race, and
    the share of the runs that the race leaves out.
    """
    truth = -np.cumsum([0.0, *random.exponential(gap, top - 1)])
    runs = truth[:, None] + random.standard_normal((top, seeds))
    counts = {str(place): min(FEWEST, seeds) for place in range(top)}
    for _ in range(FEWEST, seeds):
        out = behind({name: list(runs[int(name), :count]) for name, count in counts.items()}, Goal.MAXIMIZE)
        counts |= {name: count + 1 for name, count in counts.items() if name not in out}
    means = [runs[int(name), :count].mean() for name, count in counts.items()]
    left_out = 1 - sum(counts.values()) / (top * seeds)
    best, raced_best = int(runs.mean(axis=1).argmax()), int(np.argmax(means))
    return float(-truth[best]), float(-truth[raced_best]), left_out


def show_races(finals: int) -> None:
    print("| seeds | mean gap | lost with all seeds | lost in a race | more | runs left out |")
    print("| --- | --- | --- | --- | --- | --- |")
    for seeds, gap in itertools.product((3, 5, 10), (0.5, 2.0, 8.0)):
        random = np.random.default_rng(seeds)
        found = np.array([raced(random, gap, seeds) for _ in range(finals)])
        whole, race, left_out = found.mean(axis=0)
        more = found[:, 1] - found[:, 0]
        half = 1.96 * more.std(ddof=1) / np.sqrt(finals)
        print(
            f"| {seeds} | {gap:g} | {whole:.3f} | {race:.3f} | {more.mean():.4f} ± {half:.4f} "
            f"| {100 * left_out:.0f} % |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["record", "winner", "race", "ties"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the archives")
    parser.add_argument("--work", type=Path, default=Path("runs/portfolio"), help="for unpacked images")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no training begins later")
    parser.add_argument("--sweeps", type=int, default=400, help="sweeps that are drawn for a line")
    parser.add_argument("--sets", nargs="+", default=["cifar", "groceries", "lcbench"], help="for ties")
    parser.add_argument("--seeds", type=int, default=20, help="for ties; LCBench takes a quarter")
    options = parser.parse_args()
    if options.action == "record":
        record(options.data, options.work, time.time() + 60 * options.minutes)
    elif options.action == "winner":
        show(options.sweeps)
    elif options.action == "race":
        show_races(10 * options.sweeps)
    else:
        for name in options.sets:
            show_ties(name, options.seeds // (4 if name == "lcbench" else 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
