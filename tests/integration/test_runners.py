"""The Ray Tune runner on a real Ray: it decides as the others do, and outlives its workers."""

import os
import time

import pytest

from sweeper.runners import runner
from sweeper.store.events import Reported, TrialWished
from sweeper.store.history import replay
from sweeper.trial import Report, State, Wish, canonical

pytestmark = [pytest.mark.integration, pytest.mark.ray]
STOP = {"type": "asha", "grace": 1, "reduction_factor": 3}
PROMOTE = STOP | {"kind": "promote"}
TPE = {"algorithm": "tpe", "seed": 7, "startup": 4}
PATIENT = {"type": "none"}
by_each = pytest.mark.parametrize("by", ["subprocess", "ray_tune"])
TWO_NODES = """
import json, os, sys, time
from pathlib import Path
from ray.cluster_utils import Cluster
from sweeper.store.record import Record
from sweeper.runners import runner
from sweeper.config.resources import ResourcesSpec
from sweeper.config.spec import parse_spec
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report

def work(trial):
    (meeting / trial.id).touch()
    while len(list(meeting.iterdir())) < 2:  # the second comes while the first is there, or never
        time.sleep(0.02)
    for epoch in (1, 2):
        time.sleep(0.3)
        yield Report(epoch, trial.config["layers"] / 10, 0.3 * epoch)

spec, root = parse_spec(sys.argv[1]), Path(sys.argv[2])
meeting = root / "meeting"
meeting.mkdir()
cluster = Cluster()
try:
    cluster.add_node(num_cpus=1, include_dashboard=False)
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    sweep = Sweep(spec, Record.create(root / "record.db", {"sweep_id": "two"}))
    drive = runner["ray_tune"](
        resources=ResourcesSpec(), state=root / "tune", log=root / "log", address=cluster.address)
    drive(sweep, work, lambda: False)
    sweep.close()
finally:
    cluster.shutdown()
print(json.dumps({
    "states": [trial.state for trial in sweep.history.trials.values()],
    "devices": sorted({attempt.device for attempt in sweep.history.attempts}),
    "overlaps": sum(a.granted < b.granted + b.billed and b.granted < a.granted + a.billed
                    for a in sweep.history.attempts for b in sweep.history.attempts if a is not b),
}))
"""


def standing(sweep):
    return [
        (t.number, canonical(t.config), t.state, [(r.epoch, r.score) for r in t.reports], t.verdicts)
        for t in sweep.history.trials.values()
    ]


@pytest.mark.parametrize("scheduler", [STOP, PROMOTE], ids=["stop", "promote"])
def test_one_trial_at_a_time_it_decides_as_the_local_runner_does(drive, make_sweep, toy_workload, scheduler):
    sections = {"search": TPE, "scheduler": scheduler, "budget": {"trials": 10}}
    local = make_sweep(clock=time.monotonic, **sections)
    runner["local"]()(local, toy_workload(), lambda: False)
    local.close()
    assert standing(drive(toy_workload(), **sections)) == standing(local)


@by_each
def test_a_trial_that_raises_fails_its_worker_is_replaced_and_the_others_go_on(drive, by):
    def workload(trial):
        for epoch in (1, 2):
            yield Report(epoch, 0.5, 0.01 * epoch, {"pid": float(os.getpid())}, f"x@{epoch}")
            if trial.number == 1:
                raise ValueError(f"attempt {trial.attempt}")

    sweep = drive(workload, by=by, at_once=2, scheduler=PATIENT, budget={"trials": 5})
    trials = list(sweep.history.trials.values())
    assert [trial.state for trial in trials] == [
        State.FAILED if trial.number == 1 else State.COMPLETED for trial in trials
    ]
    assert trials[1].outcome.message == "ValueError: attempt 2"
    assert [attempt.ended for attempt in trials[1].attempts] == ["error", "error"]
    assert replay(sweep.record.events()) == sweep.history


@by_each
def test_healthy_workers_are_used_again(drive, by):
    def workload(trial):
        yield Report(1, 0.5, 0.01, {"pid": float(os.getpid())})

    sweep = drive(workload, by=by, scheduler=PATIENT, budget={"trials": 6})
    assert len({trial.last.metrics["pid"] for trial in sweep.history.trials.values()}) == 1


@by_each
def test_a_worker_that_dies_loses_its_attempt_and_the_trial_goes_on_from_its_checkpoint(drive, by):
    def workload(trial):
        start = int(trial.checkpoint or 0)
        for epoch in range(start + 1, 5):
            if trial.number == 0 and trial.attempt < 3 and epoch == start + 2:
                os._exit(3)
            yield Report(epoch, 0.5, 0.01 * epoch, {"attempt": float(trial.attempt)}, str(epoch))

    sweep = drive(workload, by=by, at_once=2, scheduler=PATIENT, budget={"trials": 3})
    trials = list(sweep.history.trials.values())
    assert {trial.state for trial in trials} == {State.COMPLETED}
    assert [attempt.ended for attempt in trials[0].attempts] == ["worker_lost", "worker_lost", "completed"]
    assert [(r.epoch, r.metrics["attempt"]) for r in trials[0].reports] == [(1, 1), (2, 2), (3, 3), (4, 3)]
    assert [len(trial.attempts) for trial in trials[1:]] == [1, 1]
    assert all(attempt.billed >= 0 for attempt in sweep.history.attempts)


@pytest.mark.parametrize("wish", [Wish.STOP, Wish.PAUSE])
def test_one_trial_is_stopped_or_paused_by_hand_and_its_neighbor_notices_nothing(drive, wish):
    def workload(trial):
        for epoch in range(1, 7):
            time.sleep(0.2)
            yield Report(epoch, 0.5, 0.2 * epoch, {}, f"x@{epoch}")

    def look(sweep):
        first = next(iter(sweep.history.trials.values()), None)
        if first and first.reports and not first.wish:
            sweep.steer(TrialWished(trial=first.id, wish=wish, by="ana@desk"))
        return False

    sweep = drive(workload, at_once=2, scheduler=PATIENT, budget={"trials": 4}, look=look)
    first, *others = sweep.history.trials.values()
    assert first.state is {Wish.STOP: State.STOPPED, Wish.PAUSE: State.WAITING}[wish]
    assert 1 < len(first.reports) < 6
    assert [(trial.state, len(trial.attempts)) for trial in others] == [(State.COMPLETED, 1)] * 3
    assert sweep.history.closed == {Wish.STOP: "done", Wish.PAUSE: "paused"}[wish]


def test_two_trials_side_by_side_share_nothing_and_lose_nothing(drive, toy_workload):
    sweep = drive(toy_workload(), at_once=2, search=TPE, scheduler=PROMOTE, budget={"trials": 9})
    assert len(sweep.history.trials) == 9
    for trial in sweep.history.trials.values():
        assert trial.state.is_final
        assert [report.epoch for report in trial.reports] == list(range(1, len(trial.reports) + 1))
    sums = sweep.totals
    assert sums.billed <= sums.capacity * 1.01
    assert replay(sweep.record.events()) == sweep.history


def test_a_cancelled_sweep_ends_in_mid_trial_and_can_be_resumed(drive):
    def endless(trial):
        for epoch in range(1, 100_000):
            time.sleep(0.05)
            yield Report(epoch, 0.5, 0.05 * epoch, checkpoint=str(epoch))

    begun = set()
    sweep = drive(
        endless, at_once=2, pulse=lambda: len(begun) == 2, scheduler=PATIENT, train={"epochs": 100_000},
        listener=lambda event, history: begun.add(event.trial) if isinstance(event, Reported) else None,
    )  # fmt: skip
    assert sweep.live == 0
    assert {trial.state for trial in sweep.history.trials.values()} == {State.WAITING}
    assert all(attempt.ended == "interrupted" for attempt in sweep.history.attempts)


def test_a_running_cluster_of_two_nodes_is_joined_by_its_address_and_both_are_used(
    toy_spec, tmp_path, run_script
):
    spec = toy_spec(scheduler=PATIENT, budget={"trials": 6}, parameters={"layers": {"min": 1, "max": 9}})
    told = run_script(TWO_NODES, spec.model_dump_json(), str(tmp_path))
    assert told["states"] == ["completed"] * 6
    assert told["devices"] == ["cpu"]
    assert told["overlaps"] > 0, "one CPU a node: trials side by side ran on both"
