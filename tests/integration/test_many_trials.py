"""Ten thousand trials: what reading them, ranking them and going on with them costs grows as they do."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeper.cli import run
from sweeper.config.spec import SweepSpec, parse_spec
from sweeper.launch.create import create, reopen
from sweeper.plan.plan import make_plan
from sweeper.store.event_lines import Line
from sweeper.store.paths import SweepPaths, cache_root
from sweeper.sweep.sweep import Sweep
from sweeper.trial import derive, trial_key

pytestmark = pytest.mark.integration
FIXED = {"architecture": "cnn", "filters": 8, "pixels": 8, "normalization": "none"}
TRIALS, EPOCHS = 10_000, 6


def history(spec: SweepSpec, trials: int, sweep_id: str) -> list[Line]:
    """What a sweep of two workers writes, its curves drawn by lot; nobody is stopped early."""
    chance = np.random.default_rng(7)
    events = [Line("launched")]
    for number in range(trials):
        config = {"layers": int(chance.integers(1, 4)), "learning_rate": float(chance.uniform(1e-4, 1e-1))}
        config |= FIXED
        seed = derive(spec.search.seed, "trial", number)
        key = trial_key(sweep_id, config, seed)
        body = {"number": number, "config": config, "seed": seed, "repeat": 0, "point": None}
        events += [Line("asked", key, 0, body), Line("granted", key, 1, {"node": "n", "granted": 1.0})]
        reach = float(chance.uniform(0.1, 0.9))
        for epoch in range(1, EPOCHS + 1):
            score = reach * (1 - 0.5**epoch)
            metrics = {"valid/top1": score, "train/loss": 1 - score, "valid/loss": 1.0, "epoch": epoch}
            report = {"epoch": epoch, "score": score, "device_seconds": float(epoch), "metrics": metrics}
            decided = {"epoch": epoch, "decision": "continue", "billed": float(epoch), "productive": epoch}
            events += [Line("reported", key, 1, report), Line("decided", key, 1, decided)]
        end = {"state": "completed", "kind": "", "message": "", "fingerprint": ""}
        events.append(Line("ended", key, 1, end | {"billed": 7.0, "productive": 6.0}))
    return events


def make_sweep(runs: Path, name: str, trials: int) -> SweepPaths:
    """A sweep of so many ended trials, whose driver was killed; it has room for one more."""
    spec = parse_spec(
        f"name: {name}\ndataset: {{source: digits}}\n"
        "parameters: {layers: {min: 1, max: 3}, learning_rate: {min: 1.0e-4, max: 1.0e-1},"
        " architecture: cnn, filters: 8, pixels: 8, normalization: none}\n"
        "train: {epochs: 6}\nsearch: {algorithm: random, seed: 7}\n"
        "scheduler: {type: asha, grace: 1, reduction_factor: 3}\n"
        f"budget: {{trials: {trials + 1}}}\nobjective: {{metric: valid/top1}}\n"
    )
    paths = SweepPaths.of(name, runs)
    record = create(spec, paths, make_plan(spec, cache_root()))
    record.write(*history(spec, trials, record.meta["sweep_id"]))
    record.close()
    return paths


@pytest.fixture(scope="module")
def many(machine: Any) -> SweepPaths:
    return make_sweep(machine.runs, "many", TRIALS)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of the commands that it waited for."""
    before = os.times()
    work()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_status_and_best_tell_of_all_ten_thousand(machine: Any, many: SweepPaths) -> None:
    facts = json.loads(machine.run("status", "many", "--json").stdout)
    assert facts["trials"]["completed"] == TRIALS
    best = machine.run("best", "many", "--json")
    assert best.returncode == 0, best.stderr
    assert json.loads(best.stdout)["best"]["score"] > 0.88


def test_resume_goes_on_with_the_next_trial(machine: Any, many: SweepPaths) -> None:
    done = machine.run("resume", "many", "--runner", "local")
    assert done.returncode == 0, done.stderr
    _, record = reopen(many)
    began = [event.body["number"] for event in record.lines() if event.kind == "asked"]
    assert began == list(range(TRIALS + 1))


@pytest.mark.parametrize("verb", ["status", "best"])
def test_what_a_report_costs_grows_as_the_trials_do(
    verb: str, machine: Any, lines_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPER_RUNS", str(machine.runs))
    few, more = (make_sweep(machine.runs, f"{verb}-{trials}", trials).name for trials in (200, 2000))
    run([verb, few])  # imports
    assert lines_run(lambda: run([verb, more])) < 15 * lines_run(lambda: run([verb, few]))


def test_what_going_on_costs_grows_as_the_trials_do(machine: Any, lines_run: Any) -> None:
    few, more = (reopen(make_sweep(machine.runs, f"on-{trials}", trials)) for trials in (200, 2000))
    assert lines_run(lambda: Sweep(*more)) < 15 * lines_run(lambda: Sweep(*few))


@pytest.mark.speed
@pytest.mark.parametrize(("verb", "most"), [("status", 5), ("best", 5), ("resume", 40)])
def test_each_takes_seconds(verb: str, most: float, machine: Any, many: SweepPaths) -> None:
    seconds = cpu_seconds(lambda: machine.run(verb, "many"))
    print(f"sweeper {verb} many: {seconds:.1f} CPU-seconds")
    assert seconds < most
