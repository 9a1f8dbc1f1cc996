import json
import os
from pathlib import Path

import pytest

from sweeper.config.spec import parse_spec
from sweeper.cost import Overheads
from sweeper.data.dataset import DataFacts
from sweeper.plan.past_runs import TYPICAL, remember
from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Grant
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report

FACTS = DataFacts(
    source="digits", classes=("a", "b"), channels=1, images=100, per_class=(50, 50),
    per_split={"train": 70, "valid": 20, "test": 10}, per_class_and_split={}, copies=0, bad=(),
    warnings=(), digest="these images",
)  # fmt: skip
TOY = {
    "name": "toy",
    "dataset": {"source": "digits"},
    "parameters": {
        "pixels": [8],
        "filters": {"values": [4, 8, 16], "per": "layers"},
        "layers": {"min": 1, "max": 3},
    },
    "train": {"epochs": 4, "batch_size": 10},
    "search": {"algorithm": "random"},
    "scheduler": {"type": "none"},
    "budget": {"trials": 9},
}


def spec(**sections):
    return parse_spec(json.dumps(TOY | sections))


def ran(runs: Path, name: str, *, digest="these images", grant=None, seconds=2.0, source="digits") -> Path:
    """A sweep that has ended, whose epochs took `seconds` a layer, on a virtual clock."""
    told = spec(name=name, dataset={"source": source})
    meta = {
        "sweep_id": name,
        "name": name,
        "spec": json.dumps(told.resolved()),
        "data_digest": digest,
        "channels": "1",
        "classes": json.dumps(["a", "b"]),
        "images": json.dumps({"a": 50, "b": 50}),
    }
    path = SweepPaths.of(name, runs).record
    clock, record = VirtualClock(), Record.create(path, meta)
    sweep = Sweep(told, record, clock=clock)

    def workload(trial):
        for epoch in range(1, 5):
            yield Report(epoch, 0.5, seconds * epoch * trial.config["layers"])

    build = runner["simulated"](
        clock=clock, grant=grant or Grant(), overheads=Overheads(worker=3.0, epoch=0.5)
    )
    build(sweep, workload, lambda: False)
    sweep.close()
    record.close()
    return path


def remembered(runs: Path, **changes):
    return remember(spec(**changes), FACTS, runs, device="NVIDIA H200", is_gpu=changes.pop("is_gpu", False))


def test_epochs_of_earlier_sweeps_are_remembered_with_what_they_computed(tmp_path):
    ran(tmp_path, "one")
    told = remembered(tmp_path)
    assert told.sweeps == ("one",)
    assert 3 <= len(told.timings) <= 6
    assert {timing.seconds for timing in told.timings} <= {2.0, 4.0, 6.0}
    dearest = max(told.timings, key=lambda timing: timing.seconds)
    cheapest = min(told.timings, key=lambda timing: timing.seconds)
    assert dearest.work.layers > cheapest.work.layers
    assert {timing.work.train_images for timing in told.timings} == {70}


def test_what_was_billed_beside_training_is_remembered(tmp_path):
    ran(tmp_path, "one")
    assert remembered(tmp_path).overheads.epoch == pytest.approx(0.5)
    assert remembered(tmp_path).overheads.worker == pytest.approx(3.0)


def test_without_a_record_there_are_typical_overheads_and_no_timings(tmp_path):
    told = remembered(tmp_path / "absent")
    assert (told.timings, told.overheads) == ((), TYPICAL)


def test_the_same_images_count_before_the_same_source_and_others_never(tmp_path):
    ran(tmp_path, "other", digest="others", source="synthetic")
    assert remembered(tmp_path).sweeps == ()
    ran(tmp_path, "cousin", digest="others")
    assert remembered(tmp_path).sweeps == ("cousin",)
    ran(tmp_path, "twin")
    assert remembered(tmp_path).sweeps == ("twin",)


def test_the_newest_two_are_enough(tmp_path):
    for number, name in enumerate(["old", "newer", "newest"]):
        path = ran(tmp_path, name)
        os.utime(path, (number, number))
    assert remembered(tmp_path).sweeps == ("newest", "newer")


@pytest.mark.parametrize(
    ("grant", "is_gpu", "is_remembered"),
    [
        (Grant(device="cpu"), False, True),
        (Grant(device="virtual"), False, False),
        (Grant(device="cpu"), True, False),
        (Grant(device="H200", is_gpu=True, share=0.25), True, True),
        (Grant(device="A10", is_gpu=True), True, False),
        (Grant(device="H200", is_gpu=True), False, False),
    ],
)
def test_only_epochs_of_the_same_kind_of_device_count(tmp_path, grant, is_gpu, is_remembered):
    ran(tmp_path, "one", grant=grant)
    told = remember(spec(), FACTS, tmp_path, device="NVIDIA H200", is_gpu=is_gpu)
    assert bool(told.timings) is is_remembered
    if is_remembered:  # seconds on the trial's share, however small it was
        assert max(timing.seconds for timing in told.timings) == pytest.approx(6.0 / grant.share)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0"])
def test_a_damaged_record_is_passed_over(tmp_path, content):
    path = SweepPaths.of("broken", tmp_path).record
    path.parent.mkdir()
    path.write_bytes(content)
    ran(tmp_path, "fine")
    assert remembered(tmp_path).sweeps == ("fine",)


def test_how_long_it_took_until_the_first_trial_had_its_device_is_remembered_of_ray_alone(tmp_path):
    ran(tmp_path, "here")
    assert remembered(tmp_path).startup is None
    ran(tmp_path, "there", grant=Grant(node="box"))
    assert remembered(tmp_path).startup == 0.0
