"""Conservation on a real Ray: four fake GPUs, half of one a trial, preemptions and a worker that dies."""

import json

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.ray]
FOUR_GPUS = """
import json, os, sys, time
from pathlib import Path
import ray
from sweeper.cost.prices import GpuPrice
from sweeper.errors import SweeperError
from sweeper.store.record import Record
from sweeper.runners import runner
from sweeper.config.resources import ResourcesSpec
from sweeper.config.spec import parse_spec
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report

class Timed(Sweep):
    # what this clock says of each attempt, from before it was granted until after it ended
    def on_start(self, trial_id, grant, *, seconds_ago=0.0):
        moments[trial_id] = time.monotonic() - seconds_ago
        super().on_start(trial_id, grant, seconds_ago=seconds_ago)

    def tell(self, trial_id, outcome, attempt=None):
        super().tell(trial_id, outcome, attempt)
        lasted[trial_id, attempt] = time.monotonic() - moments[trial_id]

class Preempted(SweeperError, RuntimeError):
    failure_kind = "preempted"

spec, root = parse_spec(sys.argv[1]), Path(sys.argv[2])
moments, lasted = {}, {}

def work(trial):
    since, start = time.monotonic(), int(trial.checkpoint or 0)
    try:
        for epoch in range(start + 1, 4):
            time.sleep(0.8)
            if trial.attempt == 1 and epoch == 2 and trial.number == 1:
                raise Preempted("spot")
            if trial.attempt == 1 and epoch == 3 and trial.number == 2:
                os._exit(3)
            yield Report(epoch, 0.5, 0.8 * 0.5 * epoch, {}, str(epoch))
    finally:
        line = f"{trial.id} {trial.attempt} {time.monotonic() - since}"
        (root / f"{trial.id}.{trial.attempt}").write_text(line)

os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
ray.init(address="local", num_cpus=4, num_gpus=4, include_dashboard=False, log_to_driver=False)
try:
    sweep = Timed(spec, Record.create(root / "record.db", {"sweep_id": "four"}))
    drive = runner["ray_tune"](
        resources=ResourcesSpec(gpu=0.5, cpu=0.5, concurrency=4), state=root / "tune", log=root / "log",
        price=lambda said: GpuPrice(2.0, "invented for this test", "2026-11-21", "spot"))
    sweep.book("image stores", 1.0)
    beats, since = [time.monotonic()], time.monotonic()

    def pulse():
        if time.monotonic() - beats[-1] > 1.0:
            beats.append(time.monotonic())
            sweep.beat()
        return False

    drive(sweep, work, pulse)
    elapsed = time.monotonic() - since
    sweep.close()
finally:
    ray.shutdown()
sums, attempts = sweep.totals, sweep.history.attempts
print(json.dumps({
    "elapsed": elapsed, "held": sums.held, "capacity": sums.capacity, "billed": sums.billed,
    "idle": sums.idle, "one_off": sums.one_off, "usd": sums.usd, "repeated": sums.repeated,
    "nodes": sweep.history.capacity_by_node,
    "states": sorted({str(trial.state) for trial in sweep.history.trials.values()}),
    "attempts": [{
        "ended": a.ended, "share": a.share, "is_gpu": a.is_gpu, "granted": a.granted, "billed": a.billed,
        "productive": a.productive, "waited": a.waited, "first_step": a.first_step, "joules": a.joules,
        "lasted": lasted.get((a.trial, a.number)),
        "source": a.price_source, "market": a.market, "launch": a.launch,
        "worked": float(p.read_text().split()[2]) if (p := root / f"{a.trial}.{a.number}").exists() else None,
    } for a in attempts],
}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory, run_script):
    """What a process with a Ray of its own says of twelve trials on four fake GPUs."""
    spec = {
        "name": "four", "dataset": {"source": "digits"}, "parameters": {"layers": {"min": 1, "max": 99}},
        "search": {"algorithm": "random", "seed": 7}, "scheduler": {"type": "none"}, "budget": {"trials": 12},
        "train": {"epochs": 3},
    }  # fmt: skip
    root = tmp_path_factory.mktemp("four")
    return run_script(FOUR_GPUS, json.dumps(spec), str(root))


def test_billed_idle_and_one_off_time_are_what_four_devices_gave(told):
    assert told["states"] == ["completed"]
    assert told["billed"] + told["idle"] + told["one_off"] == pytest.approx(told["held"], rel=0.01)
    first = min(attempt["granted"] for attempt in told["attempts"])
    last = max(attempt["granted"] + attempt["billed"] for attempt in told["attempts"])
    assert 4 * (last - first) <= told["capacity"] <= 4 * told["elapsed"]
    assert sum(told["nodes"].values()) == pytest.approx(told["capacity"], rel=0.01)
    assert 0 < told["billed"] <= 4 * 0.5 * told["elapsed"]


def test_no_more_is_billed_at_a_time_than_was_handed_out(told):
    stretches = [(a["granted"], a["granted"] + a["billed"], a["share"]) for a in told["attempts"]]
    for moment, _, _ in stretches:
        busy = sum(share for since, until, share in stretches if since <= moment < until - 0.05)
        assert busy <= 4 * 0.5 + 1e-9


def test_each_attempt_is_billed_from_its_grant_to_its_end_and_never_less_than_its_worker_worked(told):
    worked = [a for a in told["attempts"] if a["worked"] is not None]
    assert len(worked) >= 12
    for attempt in worked:
        assert attempt["billed"] >= attempt["worked"] - 0.05
        assert attempt["billed"] <= attempt["lasted"]
        assert attempt["productive"] <= attempt["worked"] + 0.05
        assert (attempt["first_step"] or 0.0) >= 0
        assert attempt["waited"] >= 0


def test_what_was_lost_is_named_and_half_devices_are_priced(told):
    ended = sorted(attempt["ended"] for attempt in told["attempts"])
    assert ended == ["completed"] * 12 + ["preempted", "worker_lost"]
    lost = [attempt for attempt in told["attempts"] if attempt["ended"] != "completed"]
    assert 0 < told["repeated"] < sum(0.5 * attempt["billed"] for attempt in lost), "each had made an epoch"
    assert told["usd"] == pytest.approx(2.0 * told["billed"] / 3600)
    assert {a["source"] for a in told["attempts"]} == {"invented for this test"}
    assert {(a["is_gpu"], a["share"], a["market"]) for a in told["attempts"]} == {(True, 0.5, "spot")}


def test_energy_is_absent_where_no_gpu_is(told):
    """Fake GPUs draw nothing that NVML could tell; on a real one the figure would be positive."""
    assert all(attempt["joules"] is None or attempt["joules"] > 0 for attempt in told["attempts"])
