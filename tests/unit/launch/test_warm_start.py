import json
import re
from dataclasses import replace

import pytest

from sweeper.errors import SpecError
from sweeper.launch.warm_start import known_events, within_limits
from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report, State, canonical

DISCRETE = {"layers": {"min": 1, "max": 3}, "optimizer": {"values": ["sgd", "adam"]}}


@pytest.fixture
def earlier(tmp_path, monkeypatch, toy_spec, toy_workload):
    """`earlier("old", budget=...)` runs a sweep into runs/old and returns its history."""
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path / "runs"))

    def run(name, digest="images", **sections):
        spec = toy_spec(name=name, **sections)
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        meta = {"sweep_id": name, "spec": json.dumps(spec.resolved()), "data_digest": digest}
        record = Record.create(folder / "record.db", meta)
        drive(sweep := Sweep(spec, record, clock=VirtualClock()), toy_workload())
        record.close()
        return sweep.history

    return run


def drive(sweep, workload):
    runner["simulated"](clock=sweep.meter.clock, workers=1)(sweep, workload, lambda: False)
    sweep.close()


def begun(records, spec):
    return Sweep(spec, records(known_events(spec, "images")), clock=VirtualClock())


def test_the_results_of_an_earlier_sweep_are_known_to_the_next(earlier, toy_spec, records):
    old = earlier("old", budget={"trials": 8})
    spec = toy_spec(search={"algorithm": "tpe", "seed": 1, "from": ["old"], "startup": 2})
    sweep = begun(records, spec)
    assert len(sweep.history.known) == len(old.trials)
    assert sweep.history.trials == {}, "they are no trials of this one and cost nothing"
    assert sweep.totals.billed == 0
    cold = Sweep(
        toy_spec(search={"algorithm": "tpe", "seed": 1, "startup": 2}), records(), clock=VirtualClock()
    )
    assert sweep.ask().config != cold.ask().config, "the model has eight results, so nothing is drawn by lot"


def test_results_of_networks_beyond_the_limits_are_not_taken_over(earlier, toy_spec):
    earlier("old", budget={"trials": 8})
    free = toy_spec(search={"algorithm": "tpe", "from": ["old"]})
    bound = toy_spec(search={"algorithm": "tpe", "from": ["old"]}, objective={"limits": {"parameters": 9}})
    known = known_events(free, "images")
    large = {canonical(each.config) for each in known[:3]}

    def refuse(config):
        return "1,000 parameters" if canonical(config) in large else ""

    assert within_limits(free, known, refuse) == known, "without limits all are kept"
    assert within_limits(bound, known, refuse) == known[3:]
    timed = [replace(known[3], reports=(Report(1, 0.5, 1.0, {"parameters": 10.0}),)), *known[4:]]
    assert within_limits(bound, timed, lambda config: "") == known[4:], "by what the earlier sweep measured"


@pytest.mark.parametrize("algorithm", ["random", "grid", "tpe"])
def test_a_configuration_that_was_run_is_answered_from_its_record(
    earlier, toy_spec, toy_workload, records, algorithm
):
    old = earlier("old", parameters=DISCRETE, budget={"trials": 4})
    search = {"algorithm": algorithm, "seed": 1, "from": ["old"]}
    sweep = begun(records, toy_spec(parameters=DISCRETE, search=search, budget={"trials": 50}))
    drive(sweep, toy_workload())
    before = {canonical(t.config) for t in old.trials.values()}
    now = {canonical(t.config) for t in sweep.history.trials.values()}
    assert len(now) == len(sweep.history.trials) == 2
    assert not before & now


def test_without_reuse_they_only_teach_the_search(earlier, toy_spec, toy_workload, records):
    earlier("old", parameters=DISCRETE, budget={"trials": 4})
    search = {"algorithm": "random", "from": ["old"], "reuse": False}
    sweep = begun(records, toy_spec(parameters=DISCRETE, search=search, budget={"trials": 50}))
    drive(sweep, toy_workload())
    assert len(sweep.history.trials) == 6


def test_what_lies_outside_the_space_is_left_out(earlier, toy_spec, records):
    earlier("old", parameters=DISCRETE, budget={"trials": 6})
    narrow = {"layers": {"min": 1, "max": 2}, "optimizer": {"values": ["sgd", "adam"]}}
    spec = toy_spec(parameters=narrow, search={"algorithm": "random", "from": ["old"]})
    assert len(begun(records, spec).history.known) == 4


def test_a_resumed_sweep_needs_the_earlier_one_no_longer(earlier, toy_spec, toy_workload, records):
    earlier("old", budget={"trials": 6})
    spec = toy_spec(
        search={"algorithm": "tpe", "seed": 1, "from": ["old"], "startup": 2}, budget={"trials": 6}
    )
    whole = begun(records, spec)
    drive(whole, toy_workload())
    events = list(whole.record.lines())
    for cut in range(7, len(events), 9):
        if events[cut - 1].kind == "reported":
            continue
        again = Sweep(spec, records(events[:cut]), clock=VirtualClock())
        drive(again, toy_workload())
        configs = [canonical(t.config) for t in again.history.trials.values()]
        assert configs == [canonical(t.config) for t in whole.history.trials.values()]


@pytest.mark.parametrize(
    ("sections", "digest", "said"),
    [
        ({"name": "odl"}, "images", "no sweep 'odl' is there"),
        ({}, "others", "old saw other images, or another split"),
        ({"train": {"epochs": 10}}, "images", "old has train.epochs: 9, here it is 10"),
        ({"objective": {"metric": "valid/top5"}}, "images", "old has objective.metric"),
        ({"name": "../../etc/passwd"}, "images", "no sweep '../../etc/passwd' is there"),
        ({"name": "a b"}, "images", "'a b' cannot name a sweep"),
    ],
    ids=["unknown", "images", "train", "metric", "path", "name"],
)
def test_a_sweep_that_would_mislead_the_search_is_refused(earlier, toy_spec, sections, digest, said):
    earlier("old", budget={"trials": 2})
    search = {"from": [sections.get("name", "old")]}
    with pytest.raises(SpecError, match=re.escape(said)):
        known_events(toy_spec(**sections | {"name": "toy", "search": search}), digest)


def test_a_damaged_record_is_refused_in_one_line(earlier, toy_spec, tmp_path):
    earlier("old", budget={"trials": 2})
    (tmp_path / "runs" / "old" / "record.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(SpecError, match=r"search\.from: old"):
        known_events(toy_spec(search={"from": ["old"]}), "images")


def test_redraws_are_in_the_record_so_that_a_resumed_search_draws_alike(make_rig):
    sections = {
        "parameters": DISCRETE,
        "search": {"algorithm": "tpe", "seed": 2, "startup": 2},
        "budget": {"trials": 6},
    }
    whole = make_rig(**sections)
    whole.finish()
    events = list(whole.record.lines())
    assert any(event.body.get("redrawn") for event in events if event.kind == "asked")
    asked = [place for place, event in enumerate(events) if event.kind == "asked"]
    for cut in asked[1:]:
        rig = make_rig(events=events[:cut], **sections)
        rig.finish()
        assert [t.config for t in rig.trials] == [t.config for t in whole.trials]
    assert all(t.state.is_final or t.state is State.PAUSED for t in whole.trials)
