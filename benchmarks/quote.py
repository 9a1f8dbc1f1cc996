"""How good a quote is: `sweeper plan --probe` against real curves, in CPU-seconds, so that a busy machine
does not matter.

    python benchmarks/quote.py [digits groceries] [--seeds 20]

For each data set: six recorded configurations stand for the probes. Printed: the median error of the seconds
foreseen for every other configuration (its epochs as recorded), by the physical model, by the regression
that `sweeper cost` uses, and by the table alone; then the sweep itself, on two slots, over a landscape fitted
to the recorded curves and seconds, for each seed: how often its device-hours lie within p10 to p90.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

from parts.landscape import Fitted
from parts.recorded import RECORDINGS, Recording, read_rows
from parts.replayed import Table

from sweeper.cost import Pace, Timing, TimingData, Work, estimator
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.cost.foresight import foresight
from sweeper.plan.estimate import Basis, quote
from sweeper.plan.network_cost import size_of
from sweeper.plan.past_runs import TYPICAL
from sweeper.plan.plan import make_plan
from sweeper.plan.rehearsal import QUICK, THOROUGH, Effort, Situation
from sweeper.plan.simulate import Machines, simulate
from sweeper.plan.timing_probe import chosen
from sweeper.store.history import TrialHistory
from sweeper.store.paths import cache_root
from sweeper.trial import Config, Report

SLOTS = 2


def recorded(recording: Recording) -> list[TrialHistory]:
    found: dict[str, list[Report]] = {}
    metric = recording.spec.objective.metric
    for row in read_rows(recording.path):
        report = Report(int(row["epoch"]), float(row[metric]), float(row["device_seconds"]))
        found.setdefault(str(row["config"]), []).append(report)
    return [
        TrialHistory(str(number), number, json.loads(text), 0, reports=reports)
        for number, (text, reports) in enumerate(found.items())
    ]


def seconds_of(trial: TrialHistory) -> float:
    """Of one epoch."""
    last = trial.reports[-1]
    return last.device_seconds / last.epoch


def error(foresee: Callable[[Config], float], trials: list[TrialHistory]) -> float:
    return statistics.median(abs(foresee(trial.config) / seconds_of(trial) - 1) for trial in trials)


def measure(name: str, seeds: int, root: str | None) -> None:
    recording = RECORDINGS[name]
    spec = recording.spec
    if root:
        spec = spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"root": root})})
    plan = make_plan(spec, cache_root())
    trials = [trial for trial in recorded(recording) if len(trial.reports) > 1]
    works: list[tuple[Config, Work]] = [(t.config, size_of(t.config, spec, plan.facts).work) for t in trials]
    probed = [config for config, _ in chosen(works, 6, is_gpu=False)]
    rest = [trial for trial in trials if trial.config not in probed]
    of = {json.dumps(config): work for config, work in works}
    timings = tuple(Timing(of[json.dumps(t.config)], seconds_of(t)) for t in trials if t not in rest)
    known = TimingData(probes=timings)

    def physical(pace: Pace) -> Callable[[Config], float]:
        return lambda config: pace.seconds(of[json.dumps(config)])

    basis = Basis(known, TYPICAL)
    where = Situation("CPU-seconds", False, SLOTS, startup=0.0)
    quoted = quote(spec, plan, where, basis, THOROUGH)
    mean = statistics.fmean
    drawn = mean(seconds for _, seconds in quoted.samples) / mean(seconds_of(trial) for trial in trials)
    table = estimator["flops"](known)
    assert table is not None
    print(f"{name}: {len(trials)} curves, 6 of them probed; median error of an epoch of the others:")
    print(f"  model {error(physical(basis.pace()), rest):.0%}", end="")
    foresee = foresight(quoted, spec.space)
    print(f", regression {error(lambda config: foresee(config) or 0.0, rest):.0%}", end="")
    print(f", table alone {error(physical(table), rest):.0%}")
    print(f"  an epoch of a drawn configuration, foreseen, takes {drawn:.2f} times that of a recorded one")
    machines = Machines(workers=SLOTS, overheads=TYPICAL)
    fitted = Fitted.of(Table.read(recording))
    actual = [
        simulate(spec, machines, seed=seed, curves=fitted.sample(seed)).device_hours for seed in range(seeds)
    ]
    for word, effort in (("plan", THOROUGH), ("launch", QUICK)):
        show(word, quoted if effort is THOROUGH else quote(spec, plan, where, basis, effort), actual, effort)


def show(word: str, quoted: CostEstimate, actual: list[float], effort: Effort) -> None:
    hours = quoted.device_hours
    within = sum(hours.holds(each) for each in actual)
    print(f"  {word}: {hours.p10:.4f} / {hours.p50:.4f} / {hours.p90:.4f} device-hours;", end=" ")
    print(f"actual {min(actual):.4f} to {max(actual):.4f}, median {statistics.median(actual):.4f};", end=" ")
    print(f"within p10 to p90: {within} of {len(actual)} seeds")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=["digits", "groceries"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--root", help="Folder of the groceries, where it is not at its default place.")
    options = parser.parse_args()
    for name in options.names:
        is_there = Path(RECORDINGS[name].path).is_file()
        if is_there:
            measure(name, options.seeds, options.root if name != "digits" else None)


if __name__ == "__main__":
    main()
