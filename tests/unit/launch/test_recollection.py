import json

import pytest

from sweeper.launch.recollection import recollected, with_prior
from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import canonical


@pytest.fixture
def earlier(tmp_path, monkeypatch, toy_spec, toy_workload):
    """`earlier("old", "images", ...)` runs a sweep into runs/old and returns its history."""
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


@pytest.fixture
def spec(toy_spec):
    def build(memory="auto", **sections):
        return toy_spec(name="new", search={"algorithm": "random", "seed": 1, "memory": memory}, **sections)

    return build


def test_sweeps_of_the_same_images_are_found_without_being_named(earlier, spec):
    old = earlier("old")

    found = recollected(spec(), "images")

    assert len(found.known) == len(old.trials)
    assert found.said == ["memory: 12 results of old, the same images"]
    assert not found.prior


def test_other_images_give_the_ranges_of_their_best_quarter_alone(earlier, spec):
    old = earlier("other", "photos")

    found = recollected(spec(), "images")

    assert not found.known
    assert len(found.prior) == 3
    configs = [trial.config for trial in old.trials.values()]
    assert all(any(each["layers"] == config["layers"] for config in configs) for each in found.prior)
    assert all(each["optimizer"] == "adamw" for each in found.prior)
    assert found.said == [
        "memory: layers, learning_rate of the best 3 of other, with less weight (other images)"
    ]


def test_the_same_images_trained_otherwise_count_as_other_images(earlier, spec):
    earlier("old", train={"epochs": 9, "weight_decay": 0.1})

    found = recollected(spec(), "images")

    assert not found.known
    assert "old has train.weight_decay: 0.1, here it is 0.0001" in found.said[0]


def test_another_split_counts_as_other_images(earlier, spec):
    earlier("old", dataset={"source": "digits", "split": {"seed": 3}})

    found = recollected(spec(), "images")

    assert not found.known
    assert "old has dataset.split.seed: 3, here it is 42" in found.said[0]


def test_none_looks_at_nothing(earlier, spec):
    earlier("old")

    assert recollected(spec("none"), "images").said == ()


def test_a_list_looks_at_these_alone(earlier, spec):
    earlier("old")
    earlier("older")

    assert len(recollected(spec(["older"]), "images").said) == 1


def test_a_damaged_record_is_skipped_with_a_line(earlier, spec, tmp_path):
    earlier("old")
    earlier("broken")
    (tmp_path / "runs" / "broken" / "record.db").write_bytes(b"no database at all" * 100)
    (tmp_path / "runs" / "foreign").mkdir()
    (tmp_path / "runs" / "foreign" / "record.db").write_bytes(b"")

    found = recollected(spec(), "images")

    assert len(found.known) == 12
    assert sum("is skipped" in line for line in found.said) == 2
    assert all("\n" not in line for line in found.said)


def test_a_name_that_is_not_there_is_skipped_with_a_line(earlier, spec):
    earlier("old")

    assert (
        recollected(spec(["gone"]), "images")
        .said[0]
        .startswith("memory: gone is skipped: no sweep is called")
    )


def test_too_few_trials_of_other_images_tell_nothing(earlier, spec):
    earlier("few", "photos", budget={"trials": 5})

    found = recollected(spec(), "images")

    assert found.said == ["memory: nothing of few: 5 configurations with a score, 8 are needed"]


def test_values_outside_the_space_are_left_out(earlier, spec):
    earlier("other", "photos")

    found = recollected(spec(parameters={"layers": {"min": 7, "max": 9}, "dropout": [0.1, 0.2]}), "images")

    assert found.said == ["memory: nothing of other (other images): its good values lie outside this space"]


def test_what_was_found_stands_in_the_sweep_and_is_not_looked_for_again(earlier, spec):
    earlier("other", "photos")
    begun = with_prior(spec(), recollected(spec(), "images"))

    assert len(begun.search.prior) == 3
    assert recollected(begun, "images").said == ()


def test_the_sweep_begins_around_what_was_good_and_resumes_alike(earlier, spec, toy_workload, records):
    earlier("other", "photos")
    begun = with_prior(spec(), recollected(spec(), "images"))
    record = records()
    drive(whole := Sweep(begun, record, clock=VirtualClock()), toy_workload())
    drive(plain := Sweep(spec("none"), records(), clock=VirtualClock()), toy_workload())
    configs = [canonical(trial.config) for trial in whole.history.trials.values()]

    assert configs != [canonical(trial.config) for trial in plain.history.trials.values()]
    again = Sweep(begun, record, clock=VirtualClock())
    assert [canonical(trial.config) for trial in again.history.trials.values()] == configs
