"""Ten thousand trials: reading them, ranking them and going on with them takes seconds, not minutes."""

import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sweeper.store.event_lines import Line
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import derive, trial_key

pytestmark = pytest.mark.integration
TRIALS, EPOCHS, SECONDS = 10_000, 6, 10.0


def history(spec: Any) -> list[Line]:
    """What a sweep of two workers writes, its curves drawn by lot; nobody is stopped early."""
    chance = np.random.default_rng(7)
    events = [Line("launched")]
    for number in range(TRIALS):
        config = {"layers": int(chance.integers(1, 6)), "learning_rate": float(chance.uniform(1e-4, 1e-1))}
        seed = derive(spec.search.seed, "trial", number)
        key = trial_key("toy-id", config, seed)
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


@pytest.fixture(scope="module")
def spec(machine: Any) -> Any:
    from sweeper.config.spec import parse_spec

    return parse_spec(
        "name: many\ndataset: {source: digits}\n"
        "parameters: {layers: {min: 1, max: 5}, learning_rate: {min: 1.0e-4, max: 1.0e-1}}\n"
        "train: {epochs: 6}\nsearch: {algorithm: random, seed: 7}\n"
        "scheduler: {type: asha, grace: 1, reduction_factor: 3}\n"
        f"budget: {{trials: {TRIALS + 100}}}\nobjective: {{metric: valid/top1}}\n"
    )


@pytest.fixture(scope="module")
def record(machine: Any, spec: Any) -> Record:
    meta = {
        "sweep_id": "toy-id",
        "name": spec.name,
        "spec": json.dumps(spec.resolved()),
        "classes": json.dumps([str(digit) for digit in range(10)]),
        "data_digest": "x",
        "created": "2026-11-21T09:07:29+0000",
    }
    made = Record.create(machine.runs / "many" / "record.db", meta)
    made.write(*history(spec))
    return made


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of this process and of those that it waited for; a wall clock would measure the neighbors."""

    def spent() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    began = spent()
    work()
    return spent() - began


@pytest.mark.parametrize("words", [("status", "many"), ("best", "many"), ("status", "many", "--json")])
def test_a_report_on_ten_thousand_trials_takes_seconds(machine: Any, record: Record, words: Any) -> None:
    def say() -> None:
        done = machine.run(*words)
        assert done.returncode == 0, done.stderr

    seconds = cpu_seconds(say)
    print(f"sweeper {' '.join(words)}: {seconds:.1f} CPU-seconds")
    assert seconds < SECONDS


def test_a_sweep_of_ten_thousand_trials_goes_on_within_seconds(record: Record, spec: Any) -> None:
    resumed: list[Sweep] = []
    seconds = cpu_seconds(lambda: resumed.append(Sweep(spec, record)))
    print(f"resumed: {seconds:.1f} CPU-seconds")
    assert seconds < SECONDS
    trial = resumed[0].ask()
    assert trial is not None
    assert trial.number == TRIALS


def test_its_copy_takes_less_than_a_second(record: Record) -> None:
    seconds = cpu_seconds(lambda: record.copy_to(record.path.with_name("record.copy.db")))
    print(f"copied {record.path.stat().st_size / 1e6:.0f} MB: {seconds:.2f} CPU-seconds")
    assert seconds < 3
