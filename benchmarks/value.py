"""Value: sweeper beside what a user would pick instead, on photos of groceries, at equal device-seconds.

The other arms are `parts/stock.py`: a plain Ray Tune script, and one with its images in memory. sweeper's
is what `sweeper init` writes, with a portfolio that has not seen groceries. The claim: at most a third of the
device-seconds to the plain script's final top-5. A device-second is a CPU-second of a trial's process.

    python benchmarks/value.py --photos freiburg25 --keep benchmarks/results/value.json --plot docs/value.svg
    python benchmarks/value.py --from benchmarks/results/value.json             # tables of an earlier run
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from parts.anytime import Curve, Meter, at, draw, interval, ratio_interval, reached
from parts.measure import cpu
from parts.shipped_members import file_without
from parts.stock import run as run_stock

from sweeper.config.spec import SweepSpec, parse_spec
from sweeper.config.starter import starter_text
from sweeper.data.dataset import kept_assignment, open_dataset, open_source
from sweeper.data.prepare import prepare
from sweeper.plan.image_variants import image_variants
from sweeper.runners import runner
from sweeper.search.parts.portfolio_start import started, with_members
from sweeper.store.events import Event, Reported
from sweeper.store.outbox import sweep_row
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trackers import Target, tracker
from sweeper.trackers.sender import Sender
from sweeper.training.device import default_device
from sweeper.training.loop import train
from sweeper.training.open_images import open_for
from sweeper.training.recipe import compose
from sweeper.trial import Report, Trial

ARMS = {"product": "sweeper", "stock": "plain Ray Tune script", "cached": "the same, images kept in memory"}
CLAIM = 1 / 3
PARTS = (1 / 8, 1 / 4, 1 / 2, 1)  # of the budget


def spec_of(photos: Path, pixels: list[int], epochs: int, seed: int, start: str = "random") -> SweepSpec:
    """What `sweeper init` writes for these photos, with no end, as the benchmark stops it."""
    return parse_spec(
        starter_text(Path("value.yaml"), photos, "uecfood", "valid/top5"),
        overrides=[
            f"parameters.pixels={pixels}",
            f"train.epochs={epochs}",
            f"search.seed={seed}",
            f"search.start={start}",
            "budget={trials: 100000}",
        ],
    )


@dataclass(frozen=True)
class Metered:
    """Trains a trial as `sweeper launch` does; its clock and what it reports are CPU-seconds."""

    spec: SweepSpec
    cache: Path
    checkpoints: Path

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """One report an epoch."""
        recipe = compose(trial.config, self.spec.train)
        reports = train(
            trial,
            open_for(recipe, self.spec.dataset, self.cache),
            recipe,
            objective=self.spec.objective.metric,
            device=default_device(),
            checkpoints=self.checkpoints,
            clock=time.process_time,
            cache=self.cache,
        )
        for report in reports:
            used = {**report.metrics, "cpu": time.process_time(), "process": float(os.getpid())}
            yield replace(report, metrics=used)


def product(options: argparse.Namespace, folder: Path) -> Meter:
    """One run of sweeper, its record and MLflow on, until so many device-seconds are spent."""
    (start := folder / "portfolio.yaml").write_text(file_without("uecfood"), encoding="utf-8")
    spec = spec_of(options.photos, options.pixels, options.epochs, options.seed, str(start))
    spec = with_members(spec, started(spec))
    record = Record.create(folder / "record.db", {"sweep_id": f"value-{options.seed}"})
    record.append(outbox=[sweep_row(spec, record.meta["sweep_id"])])
    target = Target(f"sqlite:///{folder / 'mlflow.db'}", "value", "value")
    sender = Sender(lambda: Record.open(folder / "record.db"), lambda: tracker["mlflow"](target))
    meter = Meter(options.budget)
    began = time.process_time()
    cache = folder / "cache"
    prepare(open_source(spec.dataset), options.pixels, cache)
    for size, name in image_variants(spec):
        open_dataset(spec.dataset, pixels=size, normalization=name, cache=cache)
    meter.prepared = time.process_time() - began

    def heard(event: Event, history: Any) -> None:
        if isinstance(event, Reported):
            said = event.report.metrics
            meter.report(event.trial, int(said["process"]), said["cpu"], event.report.score)

    sender.start()
    sweep = Sweep(spec, record)
    sweep.listen(heard)
    build = runner["ray_tune"](resources=spec.resources, state=folder / "tune", log=folder / "log", cpus=1)
    build(sweep, Metered(spec, cache, folder / "checkpoints"), lambda: meter.is_spent)
    sweep.close()
    sender.close()
    record.close()
    return meter


def lay_out(photos: Path, target: Path) -> None:
    """The split as folders train/CLASS and valid/CLASS of links, which ImageFolder reads."""
    spec = spec_of(photos, [32], 1, 0)
    store = prepare(open_source(spec.dataset), [32], target / "cache")[0]
    assignment = kept_assignment(store, spec.dataset.split)
    for split in ("train", "valid"):
        for number in assignment.rows[split]:
            name = store.rows[int(number)].key
            link = target / "split" / split / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((photos / name).absolute())


def alone(options: argparse.Namespace, folder: Path) -> Meter:
    """One run of one arm, in this process."""
    if options.arm == "product":
        return product(options, folder)
    (folder / "tune").mkdir()
    return run_stock(
        options.split,
        folder / "tune",
        options.pixels,
        options.epochs,
        options.seed,
        options.budget,
        is_cached=options.arm == "cached",
    )


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Every arm with every seed in a process of its own, in turns."""
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        lay_out(options.photos, Path(temporary))
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            for arm in options.arms:
                found = run_alone(options, arm, seed, Path(temporary) / "split")
                runs.append({"arm": arm, "seed": seed, **found})
                print({**runs[-1], "curve": found["curve"][-1:]}, file=sys.stderr)
                if options.keep:
                    keep(options.keep, described(options, runs))
    return described(options, runs)


def run_alone(options: argparse.Namespace, arm: str, seed: int, split: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--arm", arm, "--seed", str(seed), "--split", str(split)]
    command += ["--photos", str(options.photos), "--budget", str(options.budget)]
    command += ["--pixels", *map(str, options.pixels), "--epochs", str(options.epochs)]
    plain = {**os.environ, "RAY_worker_niceness": "0"}  # 15 otherwise: a busy machine then starves the trials
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=plain)
    return json.loads(done.stdout.splitlines()[-1])


def described(options: argparse.Namespace, runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "machine": f"{cpu()}, {os.cpu_count()} cores shared, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
        "budget": options.budget,
        "epochs": options.epochs,
        "pixels": options.pixels,
        "runs": runs,
    }


def keep(path: Path, held: dict[str, Any]) -> None:
    """A run a line, so that a diff shows which changed."""
    lines = ",\n  ".join(json.dumps(run) for run in held["runs"])
    head = json.dumps({**held, "runs": []}).removesuffix('"runs": []}')
    path.write_text(f'{head}"runs": [\n  {lines}\n]}}\n', encoding="utf-8")


def main() -> int:
    options = parsed()
    if options.arm:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(alone(options, Path(folder)).result()))
        return 0
    held = merged(options.held) if options.held else measure(options)
    if options.keep:
        keep(options.keep, held)
    return tell(held, options)


def merged(files: list[Path]) -> dict[str, Any]:
    """The runs of several files made alike; a later one replaces an earlier one, sweeper's may be shorter."""
    found = [json.loads(file.read_text()) for file in files]
    if len({(each["machine"], each["epochs"], *each["pixels"]) for each in found}) > 1:
        raise SystemExit("the files were made with different settings")
    runs = {(run["seed"], list(ARMS).index(run["arm"])): run for each in found for run in each["runs"]}
    told = {"budget": max(each["budget"] for each in found), "runs": [run for _, run in sorted(runs.items())]}
    return {**found[0], **told, "date": " and ".join(sorted({each["date"] for each in found}))}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, help="folder freiburg25, unpacked")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--budget", type=float, default=100.0, help="device-seconds a run")
    parser.add_argument("--epochs", type=int, default=8, help="of a trial")
    parser.add_argument("--pixels", type=int, nargs="+", default=[32, 48])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--keep", type=Path, help="JSON file for what was found")
    parser.add_argument("--plot", type=Path, help="SVG or PNG file")
    parser.add_argument("--from", type=Path, nargs="+", dest="held", help="JSON files of earlier runs")
    parser.add_argument("--arm", choices=list(ARMS), help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--split", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def tell(held: dict[str, Any], options: argparse.Namespace) -> int:
    """The tables, the curves, and whether the claim holds."""
    runs: list[dict[str, Any]] = held["runs"]
    budget = held["budget"]
    print(f"{held['machine']}; {held['date']}; {budget:g} device-seconds a run, mean and 95 % interval")
    curves = {arm: [curve_of(run) for run in runs if run["arm"] == arm] for arm in ARMS}
    curves = {arm: found for arm, found in curves.items() if len(found) > 1}
    print(f"{'best valid/top5 after':36}" + "".join(f"{budget * part:>14.0f} s" for part in PARTS))
    for arm, found in curves.items():
        cells = [interval([at(curve, budget * part) for curve in found]) for part in PARTS]
        print(f"{ARMS[arm]:36}" + "".join(f"{mean:9.3f} ± {half:.3f}" for mean, half in cells))
    for arm in curves:
        print(f"{ARMS[arm]:36}{usage([run for run in runs if run['arm'] == arm])}")
    if options.plot:
        draw({ARMS[arm]: found for arm, found in curves.items()}, budget, options.plot)
    held_claims = [compare(runs, arm) for arm in curves if arm != "product"]
    return 0 if all(held_claims[:1]) else 1


def curve_of(run: dict[str, Any]) -> Curve:
    return [(spent, score) for spent, score in run["curve"]]


def usage(runs: list[dict[str, Any]]) -> str:
    means = {
        name: statistics.fmean(run[name] for run in runs) for name in ("spent", "trials", "epochs", "wall")
    }
    seconds = statistics.fmean((run["spent"] - run["prepared"]) / run["epochs"] for run in runs)
    return (
        f"{len(runs)} runs of {means['spent']:.0f} s: {means['trials']:.1f} trials, {means['epochs']:.0f} "
        f"epochs of {seconds:.2f} s (set-up included), {means['wall']:.0f} s on the wall"
    )


def compare(runs: list[dict[str, Any]], arm: str) -> bool:
    """Where sweeper is when a third is spent, against the other's end; and its seconds to the same top-5.

    Seed by seed. The claim holds where even the lower end of the lead's interval is no lag.
    """
    ours = {run["seed"]: run for run in runs if run["arm"] == "product"}
    pairs = [(ours[run["seed"]], run) for run in runs if run["arm"] == arm and run["seed"] in ours]
    ratios, leads = list[float](), list[float]()
    for our, other in pairs:
        spent, final = curve_of(other)[-1]
        seconds = reached(curve_of(our), final)
        ratios.append(seconds / spent)
        leads.append(at(curve_of(our), CLAIM * other["spent"]) - final)
        print(f"  seed {other['seed']}: {final:.3f} after {spent:.0f} s, sweeper after {seconds:.0f} s")
    lead, half = interval(leads)
    print(f"sweeper at a third of the seconds, {ARMS[arm]} at its end: {lead:+.3f} ± {half:.3f}", end=" ")
    print("(claim: not behind)", "met" if lead >= half else "open" if lead >= 0 else "NOT MET")
    if any(math.isinf(ratio) for ratio in ratios):
        print(f"{sum(map(math.isinf, ratios))} of {len(ratios)} runs of sweeper did not reach that top-5")
    else:
        middle, low, high = ratio_interval(ratios)
        print(f"seconds until then, sweeper / {ARMS[arm]}: {middle:.2f} (interval {low:.2f} to {high:.2f})")
    return lead >= half


if __name__ == "__main__":
    sys.exit(main())
