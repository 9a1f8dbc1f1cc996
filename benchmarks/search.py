"""Search and early stopping: recorded once, replayed at equal cost, and timed at ten thousand trials.

    python benchmarks/search.py record digits|groceries     full learning curves of random configurations
    python benchmarks/search.py compare [--seeds 20]        every search with every early stopping on them
    python benchmarks/search.py lcbench [--seeds 8]         the same on curves that nobody here made
    python benchmarks/search.py own [--seeds 20]            the same on the sets of portfolio.py
    python benchmarks/search.py peers [--seeds 20]          ours there beside Optuna's and saved others
    python benchmarks/search.py scale                       what 10,000 trials on 1,000 workers take

`compare` runs the product's own sweep on a virtual clock with four workers. On the *landscape*, processes
that were fitted to the recorded curves answer any configuration, another sample of them for each seed; on
the *table* every proposal is replaced by the nearest recorded configuration that has not run yet. `lcbench`
needs the surrogate's folder in $LCBENCH_ROOT, or in `shared/data/lcbench` beside the checkout.
"""

import argparse
import itertools
import json
import resource
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from parts import own_curves, own_peers
from parts.anytime import interval
from parts.curve_recorder import FOLDER, read
from parts.landscape import Fitted
from parts.lcbench import EARLY, JUDGED, OTHERS
from parts.lcbench_arms import FIRST, against, figures, measure
from parts.lcbench_arms import arms as lcbench_arms
from parts.measure import Claim, finish
from parts.recorded import RECORDINGS, ROOT, record
from parts.replayed import Anytime, Arm, Table, run
from parts.saved_rows import SHARES as LCBENCH_SHARES
from parts.saved_rows import TRAININGS as TRAININGS_ELSEWHERE
from parts.saved_rows import Rows
from parts.varied_sets import SETS

from sweeper.config.spec import load_spec
from sweeper.plan.simulate import Machines, simulate
from sweeper.schedulers import scheduler
from sweeper.trial import Goal, Report

GRACE = {"digits": 2, "groceries": 1}
TRAININGS = 16
"""The budget on the landscape, in trainings of mean length in full."""
SHARES = (0.125, 0.25, 0.5, 1.0)
REFERENCE = "tpe, stop, epoch"
OURS = "portfolio of 12, gp, promote from 4 by halves"
"""The arm on LCBench that its table compares with each other one."""


def arms(table: Table, grace: int) -> list[Arm]:
    """Rungs alike: the first after so many epochs, or after the seconds that these take on average."""
    levels = {
        "epoch": {"grace": grace},
        "device_seconds": {"grace": table.cost_after(grace), "max": table.full_cost},
    }
    found: list[Arm] = []
    for name in ("random", "tpe", "gp"):
        for kind in ("stop", "promote"):
            for axis, rungs in levels.items():
                found.append(Arm(f"{name}, {kind}, {axis}", {"algorithm": name}, _asha(kind, axis, rungs)))
        found.append(Arm(f"{name}, none", {"algorithm": name}, {"type": "none"}))
    for option, kinds in (("cost_aware", ("stop", "promote")), ("counts_cost", ("promote",))):
        for kind in kinds:
            rule = _asha(kind, "epoch", levels["epoch"])
            found.append(Arm(f"tpe {option}, {kind}, epoch", {"algorithm": "tpe", option: True}, rule))
    return found


def _asha(kind: str, axis: str, rungs: Mapping[str, float]) -> dict[str, object]:
    return {"type": "asha", "kind": kind, "resource": axis, "reduction_factor": 3, **rungs}


def compare(name: str, ground: str, seeds: int) -> dict[str, dict[str, object]]:
    """The figures of each arm, and how much more it finds than the reference on the same ground."""
    table = Table.read(RECORDINGS[name])
    budget = table.full_cost * (TRAININGS if ground == "landscape" else len(table.configs) / 8)
    workloads = [table] * seeds
    if ground == "landscape":
        fitted = Fitted.of(table)
        workloads = [fitted.sample(seed) for seed in range(seeds)]
        print(f"{name}: {fitted}", file=sys.stderr)
    runs: dict[str, list[Anytime]] = {}
    for arm in arms(table, GRACE[name]):
        runs[arm.name] = [
            run(table.spec, arm, seed, budget, workload) for seed, workload in enumerate(workloads)
        ]
    reference = runs[REFERENCE]
    return {
        arm: {
            "best": [interval([each.at(share * budget) for each in found]) for share in SHARES],
            "area": interval([each.area(budget) for each in found]),
            "best_more": interval(
                [e.at(budget) - r.at(budget) for e, r in zip(found, reference, strict=True)]
            ),
            "area_more": interval(
                [e.area(budget) - r.area(budget) for e, r in zip(found, reference, strict=True)]
            ),
            "trials": statistics.fmean(each.trials for each in found),
        }
        for arm, found in runs.items()
    }


def show(name: str, ground: str, seeds: int, figures: Mapping[str, Mapping[str, object]]) -> None:
    print(f"\n{name}, {ground}, {seeds} seeds: best valid score after a share of the device-seconds, in %")
    heads = [f"{share:.0%} spent" for share in SHARES]
    heads += ["more at last", "area", "more area"]
    print(f"{'':32}" + "".join(f"{head:>15}" for head in heads) + f"{'trials':>8}")
    for arm, row in figures.items():
        cells = [*row["best"], row["best_more"], row["area"], row["area_more"]]
        texts = [f"{100 * mean:.2f} ± {100 * half:.2f}" for mean, half in cells]
        print(f"{arm:32}" + "".join(f"{text:>15}" for text in texts) + f"{row['trials']:8.0f}")


def lcbench(chosen: argparse.Namespace) -> int:
    """Measure what is not saved yet, then show regret over sets and seeds, and one arm against each other."""
    rows = Rows(chosen.save)
    works = {
        name: work for name, work in lcbench_arms(chosen.early).items() if name in (chosen.only or [name])
    }
    tasks = OTHERS if chosen.others else JUDGED
    measure(rows, works, chosen.seeds, chosen.workers, tasks, is_noisy=chosen.noise)
    found = figures(rows, chosen.seeds, chosen.workers)
    ahead = against(rows, chosen.ours, chosen.seeds, chosen.workers) if chosen.ours in found else {}
    if chosen.json:
        print(json.dumps({"arms": found, "less": ahead}, indent=2))
        return 0
    print(f"\nLCBench, {TRAININGS_ELSEWHERE} trainings, {chosen.workers} workers: regret in %")
    heads = "".join(f"{f'{share:.2%} spent':>15}" for share in LCBENCH_SHARES)
    print(f"{'':48}{heads}{'trials':>8}{'sweeps':>8}")
    for arm, row in found.items():
        print(f"{arm:48}{_cells(row['regret'])}{row['trials']:8.0f}{row['sweeps']:8d}")
    print(f"\nless regret of {chosen.ours!r}, in pairs")
    for arm, cells in ahead.items():
        print(f"{arm:48}{_cells(cells)}")
    return 0


def show_own(chosen: argparse.Namespace) -> int:
    """Tables of the sets that `portfolio.py` recorded, in Markdown."""
    rows = read(chosen.curves)
    for name, ground in itertools.product(chosen.sets, chosen.ground):
        runs = own_curves.compare(rows, name, ground, chosen.seeds, FIRST)
        print(*own_curves.shown(name, ground, rows, runs), sep="\n", flush=True)
    return 0


def peers(chosen: argparse.Namespace) -> int:
    """Measure what is not saved yet on the landscapes, then show each set."""
    rows, names = Rows(chosen.save), chosen.sets
    only = {name: work for name, work in own_peers.arms().items() if name in (chosen.only or [name])}
    own_peers.measure(rows, own_peers.grounds_of(read(chosen.curves), names), only, chosen.seeds)
    for name in names:
        print(*own_peers.shown(rows, name, chosen.seeds), sep="\n")
    return 0


def _cells(pairs: Iterable[tuple[float, float]]) -> str:
    return "".join(f"{f'{100 * mean:.1f} ± {100 * half:.1f}':>15}" for mean, half in pairs)


def scale(*, as_json: bool, trials: int) -> int:
    """Ten thousand trials on a thousand workers, and one ASHA decision among few and many results."""
    few, many = (decision(count) for count in (1_000, 10_000))
    figures = {"asha: microseconds a decision, 1,000 trials": few, "asha: the same, 10,000 trials": many}
    claims = [Claim("asha: cost of a decision, 10,000 over 1,000 trials", many / few, 1.5, at_most=True)]
    for algorithm, limit in (("random", 60), ("gp", 60), ("tpe", 600)):
        overrides = [f"budget={{trials: {trials}}}", f"search={{algorithm: {algorithm}}}"]
        spec = load_spec(ROOT / "search_spaces" / "uecfood.yaml", overrides)
        began = time.process_time()
        simulate(spec, Machines(workers=1_000), seed=0)
        seconds = time.process_time() - began
        claims.append(Claim(f"{algorithm} + asha, {trials:,} trials", seconds, limit, "s", at_most=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    claims.append(Claim("memory at its peak", peak, 1, "GB", at_most=True))
    return finish("search at scale", figures, claims, as_json=as_json, runs=1)


def decision(trials: int, rounds: int = 5) -> float:
    """Microseconds of one decision, the least of a few rounds, over all that the trials' epochs take."""
    best = float("inf")
    for seed in range(rounds):
        random = np.random.default_rng(seed)
        asha, count = scheduler["asha"](Goal.MAXIMIZE, 20), 0
        reports = [Report(1, float(score)) for score in random.random(trials)]
        began = time.process_time()
        for number, report in enumerate(reports):
            trial, decided = f"t{number}", asha.on_report(f"t{number}", report)
            count += 1
            for epoch in range(2, 20):
                if decided.decision != "continue":
                    break
                decided = asha.on_report(trial, Report(epoch, report.score))
                count += 1
        best = min(best, (time.process_time() - began) / count)
    return best * 1e6


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record")
    recording.add_argument("name", choices=list(RECORDINGS))
    recording.add_argument("--count", type=int, help="the first so many only")
    recording.add_argument("--cache", type=Path, default=Path("/tmp/sweeper-curves"))
    comparing = verbs.add_parser("compare")
    comparing.add_argument("--seeds", type=int, default=20)
    comparing.add_argument("--only", choices=list(RECORDINGS))
    comparing.add_argument("--ground", choices=["landscape", "table"])
    elsewhere = verbs.add_parser("lcbench")
    elsewhere.add_argument("--seeds", type=int, default=8)
    elsewhere.add_argument("--workers", type=int, default=4)
    elsewhere.add_argument("--others", action="store_true", help="on the sets that no table shows")
    elsewhere.add_argument("--early", type=int, default=EARLY, help="epochs by which a portfolio is chosen")
    elsewhere.add_argument("--noise", action="store_true", help="scores as if validated on 1,000 images")
    elsewhere.add_argument("--only", action="append", help="an arm's name")
    elsewhere.add_argument("--ours", default=OURS, help="the arm that is compared with each other")
    elsewhere.add_argument("--save", type=Path, help="lines of finished sweeps, so that it goes on")
    own, beside = verbs.add_parser("own"), verbs.add_parser("peers")
    beside.add_argument("--only", action="append", help="an arm's name")
    beside.add_argument("--save", type=Path, help="lines of finished sweeps, so that it goes on")
    for verb in (own, beside):
        verb.add_argument("--seeds", type=int, default=20)
        verb.add_argument("--sets", nargs="+", choices=list(SETS), default=["cifar", "groceries"])
        verb.add_argument("--curves", type=Path, default=FOLDER, help="folder of the Parquet parts")
    own.add_argument("--ground", nargs="+", choices=["landscape", "table"], default=["landscape", "table"])
    scaling = verbs.add_parser("scale")
    scaling.add_argument("--trials", type=int, default=10_000)
    for verb in (comparing, elsewhere, scaling):
        verb.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def main() -> int:
    chosen = options().parse_args()
    if chosen.verb == "record":
        record(RECORDINGS[chosen.name], chosen.cache, chosen.count)
        return 0
    if chosen.verb == "lcbench":
        return lcbench(chosen)
    if chosen.verb == "own":
        return show_own(chosen)
    if chosen.verb == "peers":
        return peers(chosen)
    if chosen.verb == "scale":
        return scale(as_json=chosen.json, trials=chosen.trials)
    found: dict[str, object] = {}
    for name in [chosen.only] if chosen.only else RECORDINGS:
        for ground in [chosen.ground] if chosen.ground else ["landscape", "table"]:
            figures = compare(name, ground, chosen.seeds)
            found[f"{name} {ground}"] = figures
            if not chosen.json:
                show(name, ground, chosen.seeds, figures)
    if chosen.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
