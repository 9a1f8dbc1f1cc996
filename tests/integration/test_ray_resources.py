"""What trials hold on a real Ray: fractions of GPUs, custom resources, amounts that follow the configuration.

The GPUs exist in Ray's books alone; the toy trains on a CPU.
"""

import itertools
import os
import time

import pytest
import ray

from sweeper.store.events import AttemptEnded
from sweeper.trial import Report, State

pytestmark = [pytest.mark.integration, pytest.mark.ray]
PATIENT = {"type": "none"}
LAYERS = {"layers": {"values": [1, 2]}, "dropout": {"min": 0.0, "max": 0.5}}


def sleeper(epochs=2, seconds=0.3, meeting=None, guests=0):
    """A workload that says in which process it ran, and which GPUs that saw.

    With `meeting`, a folder, each trial first waits there until so many `guests` have come.
    """

    def workload(trial):
        if meeting:
            (meeting / trial.id).touch()
            while len(list(meeting.iterdir())) < guests:
                time.sleep(0.02)
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        gpu = float(seen.split(",")[0]) if seen else -1.0
        for epoch in range(1, epochs + 1):
            time.sleep(seconds)
            yield Report(epoch, 0.5, seconds * epoch, {"pid": float(os.getpid()), "gpu": gpu}, str(epoch))

    return workload


def most_at_once(attempts, weight=lambda attempt: 1.0):
    """The greatest sum of weights over all moments."""
    moments = [attempt.granted for attempt in attempts]
    return max(
        sum(weight(a) for a in attempts if a.granted <= moment < a.granted + a.billed) for moment in moments
    )


def test_amounts_follow_the_configuration_and_so_do_the_ledger_and_the_workers(drive, tmp_path):
    resources = {"gpu": 0.5, "cpu": 0.25, "rules": [{"when": {"layers": 2}, "gpu": 0.25}]}
    points = [{"layers": layers} for layers in (1, 2, 2, 1, 2, 1, 1, 1, 1)]
    (tmp_path / "meeting").mkdir()
    sweep = drive(
        sleeper(meeting=tmp_path / "meeting", guests=3), resources=resources, scheduler=PATIENT,
        parameters=LAYERS, points=points,
        budget={"trials": 9}, search={"algorithm": "random", "seed": 1},
    )  # fmt: skip
    trials = list(sweep.history.trials.values())
    assert {trial.state for trial in trials} == {State.COMPLETED}
    shares = {trial.config["layers"]: {a.share for a in trial.attempts} for trial in trials}
    assert shares == {1: {0.5}, 2: {0.25}}
    assert all(attempt.is_gpu for attempt in sweep.history.attempts)
    assert most_at_once(sweep.history.attempts) >= 3, "several share a GPU"
    assert most_at_once(sweep.history.attempts, lambda a: a.share) <= 2.0
    assert {trial.last.metrics["gpu"] for trial in trials} <= {0.0, 1.0}
    users = {(trial.last.metrics["pid"], trial.config["layers"]) for trial in trials}
    assert len({pid for pid, _ in users}) == len(users), "no worker is used again for another request"
    assert len(users) < len(trials), "but for an equal one it is"
    assert sweep.totals.billed <= sweep.totals.capacity * 1.01


def test_a_trial_that_needs_a_whole_gpu_is_not_starved_by_small_ones(drive):
    resources = {"gpu": 0.5, "cpu": 0.25, "rules": [{"when": {"layers": 2}, "gpu": 2.0}]}
    points = [{"layers": layers} for layers in (1, 2, 1)]
    sweep = drive(
        sleeper(epochs=1), resources=resources, scheduler=PATIENT, parameters=LAYERS, points=points,
        budget={"trials": 3}, search={"algorithm": "random", "seed": 1},
    )  # fmt: skip
    trials = list(sweep.history.trials.values())
    assert {trial.state for trial in trials} == {State.COMPLETED}
    began = [trial.attempts[0].granted for trial in trials]
    assert began[1] <= began[2], "what comes later waits until it has started"
    assert trials[1].attempts[0].share == 2.0
    assert most_at_once(sweep.history.attempts, lambda a: a.share) <= 2.0


def test_a_custom_resource_limits_how_many_run_at_a_time(drive):
    resources = {"gpu": 0, "cpu": 0.25, "custom": {"license": 1.0}}
    sweep = drive(sleeper(epochs=1), resources=resources, scheduler=PATIENT, budget={"trials": 3})
    assert most_at_once(sweep.history.attempts) == 1
    assert {attempt.is_gpu for attempt in sweep.history.attempts} == {False}


def test_a_trial_that_waits_while_devices_idle_says_what_it_lacks(drive):
    @ray.remote(num_cpus=0, resources={"license": 1.0})
    class Stranger:
        def come(self):
            return True

    stranger, said, moments = Stranger.remote(), [], []
    ray.get(stranger.come.remote())

    def hear(text):
        said.append(text)
        moments.append(time.monotonic())
        ray.kill(stranger)

    def listen(event, history):
        if isinstance(event, AttemptEnded):
            moments.append(time.monotonic())

    sweep = drive(
        sleeper(epochs=1), scheduler=PATIENT, budget={"trials": 1},
        resources={"gpu": 0, "cpu": 1, "custom": {"license": 1.0}}, options={"waiting": 2.0, "say": hear},
        listener=listen,
    )  # fmt: skip
    lacks = [text for text in said if "it lacks" in text]  # the start of Ray and of the worker is said, too
    assert len(lacks) == 1
    assert lacks[0].endswith("s: it lacks license (needs 1, 0 free)")
    [attempt] = sweep.history.attempts
    assert attempt.waited >= 2.0
    assert attempt.billed <= moments[-1] - moments[said.index(lacks[0])], "nobody pays for waiting"


def sticky(trial):
    """A trial of two layers breaks the CUDA context of its process, in which nothing trains any more."""
    if trial.config["layers"] == 2:
        os.environ["IS_BROKEN"] = "1"
    if "IS_BROKEN" in os.environ:
        raise RuntimeError("CUDA error: device-side assert triggered")
    yield Report(1, 0.5, 0.1, {"pid": float(os.getpid())}, "1")


def test_a_worker_whose_cuda_context_is_broken_is_replaced_for_the_next_attempt(drive):
    points = [{"layers": layers} for layers in (2, 1, 1, 1)]
    sweep = drive(
        sticky, resources={"gpu": 0, "concurrency": 1}, scheduler=PATIENT, parameters=LAYERS, points=points,
        budget={"trials": 4}, search={"algorithm": "random", "seed": 1},
    )  # fmt: skip
    states = [(trial.config["layers"], trial.state) for trial in sweep.history.trials.values()]
    assert states == [(2, State.FAILED), *[(1, State.COMPLETED)] * 3]


@pytest.mark.speed
def test_a_warm_worker_begins_its_next_trial_within_half_a_second(drive):
    sweep = drive(sleeper(epochs=1, seconds=0.01), scheduler=PATIENT, budget={"trials": 12})
    attempts = sweep.history.attempts
    assert len({trial.last.metrics["pid"] for trial in sweep.history.trials.values()}) == 1
    gaps = sorted(
        after.granted + after.first_step - before.granted - before.billed
        for before, after in itertools.pairwise(attempts)
    )
    print(f"\nfrom the end of a trial to the first step of the next: median {gaps[len(gaps) // 2]:.3f} s")
    assert gaps[len(gaps) // 2] < 0.5, gaps
