"""Which devices a trial sees in a process of its own, and what it is billed for; no GPU is needed for it."""

import os
import time

import pytest

from sweeper.config.resources import ResourcesSpec
from sweeper.errors import PreflightError
from sweeper.runners import runner
from sweeper.runners.parts.this_machine import visible_gpus
from sweeper.trial import Report, State

pytestmark = pytest.mark.slow(reason="a process starts for each test")
CARDS = ("3", "GPU-5f", "7")


def seeing(trial):
    """Reports which devices the process sees, and which process that is."""
    names = [name for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name]
    seen = {"gpus": float(len(names)), "first": float(names[0] if names else -1), "pid": float(os.getpid())}
    yield Report(1, 0.5, 0.01, seen)


def sticky(trial):
    """The trial of two layers breaks the CUDA context of its process, in which nothing trains any more."""
    if trial.config["layers"] == 2:
        os.environ["IS_BROKEN"] = "1"
    if "IS_BROKEN" in os.environ:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    yield Report(1, 0.5, 0.01, {"pid": float(os.getpid())})


@pytest.fixture
def drive(make_sweep, tmp_path):
    def build(gpus, workload=seeing, **resources):
        sweep = make_sweep(
            clock=time.monotonic,
            scheduler={"type": "none"},
            search={"algorithm": "grid"},
            budget={"trials": 4},
            parameters={"layers": {"values": [1, 2, 3, 4]}},
        )
        spec = ResourcesSpec.model_validate(resources)
        runner["subprocess"](resources=spec, log=tmp_path / "log", gpus=gpus)(sweep, workload, lambda: False)
        sweep.close()
        return list(sweep.history.trials.values())

    return build


@pytest.mark.parametrize(
    ("gpus", "resources", "seen", "share"),
    [
        (CARDS, {"gpu": 1}, (1, 3), 1.0),
        (CARDS, {"gpu": 0.25}, (1, 3), 0.25),
        (CARDS, {"gpu": 2}, (2, 3), 2.0),
        (CARDS, {"gpu": 0}, (0, -1), 1.0),
        ((), {"gpu": 1}, (0, -1), 1.0),
    ],
    ids=str,
)
def test_a_trial_sees_as_many_devices_as_it_asks_for_and_is_billed_for_them(
    drive, gpus, resources, seen, share
):
    trials = drive(gpus, **resources)
    assert {trial.state for trial in trials} == {State.COMPLETED}
    assert {(each.last.metrics["gpus"], each.last.metrics["first"]) for each in trials} == {seen}
    attempts = [attempt for trial in trials for attempt in trial.attempts]
    assert {(attempt.share, attempt.is_gpu) for attempt in attempts} == {(share, seen[0] > 0)}
    assert len({trial.last.metrics["pid"] for trial in trials}) == 1, "the worker stays warm"


def test_a_trial_that_asks_for_other_devices_gets_another_worker(drive):
    trials = drive(CARDS, gpu=1, rules=[{"when": {"layers": [3]}, "gpu": 0.0}])
    seen = [(trial.last.metrics["gpus"], trial.attempts[0].is_gpu) for trial in trials]
    assert seen == [(1, True), (1, True), (0, False), (1, True)]
    pids = [trial.last.metrics["pid"] for trial in trials]
    assert pids[0] == pids[1]
    assert len(set(pids)) == 3


def test_a_process_whose_cuda_context_is_broken_is_replaced_for_the_next_attempt(drive):
    trials = drive((), workload=sticky)
    states = {trial.config["layers"]: trial.state for trial in trials}
    assert states == {1: State.COMPLETED, 2: State.FAILED, 3: State.COMPLETED, 4: State.COMPLETED}
    assert {len(trial.attempts) for trial in trials if trial.state is State.COMPLETED} == {1}


def test_a_trial_that_no_device_has_room_for_is_refused_before_it_starts(drive):
    with pytest.raises(PreflightError, match="asks for 4 GPU, but no node has more than 3"):
        drive(CARDS, gpu=4)


@pytest.mark.parametrize(
    ("named", "count", "expected"),
    [(None, 2, ("0", "1")), ("5, GPU-5f", 2, ("5", "GPU-5f")), ("", 0, ()), ("0,1", 1, ("0",))],
)
def test_devices_are_named_as_whoever_started_us_named_them(monkeypatch, named, count, expected):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus(count) == expected
