"""The recorded sets as grounds of a portfolio and as tables of a search, with the arms that meet there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from parts.anytime import interval
from parts.complementary import Ground, left_out
from parts.curve_recorder import Row
from parts.landscape import Fitted
from parts.replayed import Anytime, Arm, Table, run
from parts.varied_sets import AVERAGED, EPOCHS, SETS, TYPICAL

from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.runners import Workload
from sweeper.search.random import RandomSearch
from sweeper.trial import Config, Report, Trial, canonical

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
TRAININGS = 16
REFERENCE = "tpe, stop"


def families() -> dict[str, str]:
    """The archive that a set's images come from."""
    return {name: str(varied.dataset["source"]) for name, varied in SETS.items()}


@dataclass(frozen=True)
class Candidate:
    """A configuration under its own schedule; the sets differ in pixels and, for digits, in depth."""

    number: int
    schedule: str


def grounds(rows: Sequence[Row]) -> tuple[list[Candidate], dict[str, Ground]]:
    """Best score and seconds of every candidate that all sets have; a lost training has the score 0."""
    found: dict[Candidate, dict[str, tuple[float, float]]] = {}
    for row in rows:
        metric = SETS[row["set"]].metric.removeprefix("valid/")
        of_set = found.setdefault(Candidate(int(row["number"]), str(row["schedule"])), {})
        before, _ = of_set.get(row["set"], (0.0, 0.0))
        of_set[row["set"]] = (float(np.fmax(before, row[metric])), float(row["seconds"]))
    shared = [candidate for candidate, of_set in found.items() if len(of_set) == len(SETS)]
    shared.sort(key=lambda candidate: candidate.number)
    told = {name: np.array([found[candidate][name] for candidate in shared]) for name in SETS}
    return shared, {name: Ground(values[:, 0], values[:, 1]) for name, values in told.items()}


def place_of_fast(candidates: Sequence[Candidate]) -> int:
    """Where `fast` as it is stands among them."""
    return next(place for place, candidate in enumerate(candidates) if candidate.number == 0)


def table(rows: Sequence[Row], name: str) -> Table:
    """The plain weights' curves of one set; what diverges goes on with the score 0 at its own pace."""
    spec, metric = spec_of(name), SETS[name].metric.removeprefix("valid/")
    configs, curves = dict[str, Config](), dict[str, list[Report]]()
    for row in rows:
        if row["set"] == name:
            config = json.loads(row["config"])
            key = canonical(config)
            configs[key] = config
            score = float(np.nan_to_num(row[metric]))
            curves.setdefault(key, []).append(Report(int(row["epoch"]), score, float(row["seconds"])))
    for curve in curves.values():
        pace = curve[-1].device_seconds / len(curve)
        curve += [Report(epoch, 0.0, pace * epoch) for epoch in range(len(curve) + 1, EPOCHS + 1)]
    return Table(spec, list(configs.values()), curves)


def spec_of(name: str) -> SweepSpec:
    """The sweep file of a set without the averaged weights, which are no row of the table."""
    written = SETS[name].spec(Path("runs")).resolved()
    written["parameters"] = {key: value for key, value in written["parameters"].items() if key != AVERAGED}
    return restore_spec(written, name="own")


def first_points(rows: Sequence[Row], name: str, size: int) -> list[Config]:
    """`fast`, then a portfolio from the sets of other images, as configurations of this one."""
    candidates, known = grounds(rows)
    first = [place_of_fast(candidates)]
    configs = {
        Candidate(int(row["number"]), str(row["schedule"])): json.loads(row["config"])
        for row in rows
        if row["set"] == name
    }
    return [configs[candidates[place]] for place in left_out(known, families(), name, size, first)]


def arms(points: Sequence[Config], fast: Config) -> list[Arm]:
    """Searches and early stopping as `init` could write them: alone, behind `fast`, behind a portfolio."""
    found: list[Arm] = []
    starts = {"": (), "`fast` first, ": (fast,), f"{len(points)} points first, ": points}
    for start, first in starts.items():
        for algorithm in ("random", "tpe"):
            for kind in ("stop", "promote"):
                rule = {"type": "asha", "kind": kind, "grace": 1, "reduction_factor": 3}
                found.append(Arm(f"{start}{algorithm}, {kind}", {"algorithm": algorithm}, rule, first))
    return found


def one_epoch(workload: Workload, configs: Sequence[Config], budget: float) -> Anytime:
    """Half of the budget trains one configuration after the other for an epoch, the rest the best in full."""
    spent, steps, begun = 0.0, list[tuple[float, float]](), list[tuple[float, Report, Trial]]()
    bests = list[Config]()

    def told(report: Report, config: Config) -> None:
        if not steps or report.score > steps[-1][1]:
            steps.append((spent, report.score))
            bests.append(config)

    for number, config in enumerate(configs):
        if spent >= budget / 2:
            break
        trial = Trial(f"one-{number}", number, config, seed=number)
        report = next(iter(workload(trial)))
        spent += report.device_seconds
        told(report, config)
        begun.append((report.score, report, trial))
    for _, first, trial in sorted(begun, key=lambda each: -each[0]):
        before = first.device_seconds
        for report in workload(trial):
            if report.epoch > first.epoch and spent < budget:
                spent += report.device_seconds - before
                before = report.device_seconds
                told(report, trial.config)
    return Anytime(steps, len(begun), bests)


def compare(rows: Sequence[Row], name: str, ground: str, seeds: int, size: int) -> dict[str, list[Anytime]]:
    """Every arm with every seed; the landscape has a sample a seed, the table what was recorded."""
    known = table(rows, name)
    budget = budget_of(known, ground)
    fitted = Fitted.of(known) if ground == "landscape" else None
    workloads: list[Workload] = [fitted.sample(seed) if fitted else known for seed in range(seeds)]
    points, fast = first_points(rows, name, size), json.loads(_rows_of_fast(rows, name)["config"])
    found = {
        arm.name: [run(known.spec, arm, seed, budget, workload) for seed, workload in enumerate(workloads)]
        for arm in arms(points, fast)
    }
    found["one epoch, then the best"] = [
        one_epoch(workload, _order(known, ground, seed), budget) for seed, workload in enumerate(workloads)
    ]
    return found


def _rows_of_fast(rows: Sequence[Row], name: str) -> Row:
    """The first configuration, as `fast` has it."""
    return next(
        row for row in rows if (row["set"], row["number"], row["schedule"]) == (name, 0, TYPICAL["schedule"])
    )


def budget_of(known: Table, ground: str) -> float:
    return known.full_cost * (TRAININGS if ground == "landscape" else len(known.configs) / 8)


def _order(known: Table, ground: str, seed: int) -> list[Config]:
    if ground == "table":
        order = np.random.default_rng(seed).permutation(len(known.configs))
        return [known.configs[place] for place in order]
    draws = RandomSearch(known.spec.space, seed)
    return [draws.suggest(number) for number in range(500)]


def shown(name: str, ground: str, rows: Sequence[Row], runs: Mapping[str, Sequence[Anytime]]) -> list[str]:
    """A table: the best score after shares of the budget, and how much more than the default's."""
    known, reference = table(rows, name), runs[REFERENCE]
    budget = budget_of(known, ground)
    heads = [*(f"{share:.4g}" for share in SHARES), "more at 1/16", "more at last", "trials"]
    lines = [
        f"\n{name}, {ground}: {len(known.configs)} curves, {len(reference)} seeds, best {SETS[name].metric} "
        f"in % after shares of {budget / known.full_cost:.0f} mean trainings\n",
        f"| arm | {' | '.join(heads)} |",
        "|" + " --- |" * (len(heads) + 1),
    ]
    for arm, found in runs.items():
        cells = [cell([each.at(share * budget) for each in found]) for share in SHARES]
        more = [each.at(budget) - other.at(budget) for each, other in zip(found, reference, strict=True)]
        early = [
            each.at(SHARES[0] * budget) - other.at(SHARES[0] * budget)
            for each, other in zip(found, reference, strict=True)
        ]
        cells += [cell(early), cell(more)] if arm != REFERENCE else ["", ""]
        trials = round(float(np.mean([each.trials for each in found])))
        lines.append(f"| {arm} | " + " | ".join(cells) + f" | {trials} |")
    return lines


def cell(values: Sequence[float]) -> str:
    mean, half = interval(values)
    return f"{100 * mean:.1f} ± {100 * half:.1f}"
