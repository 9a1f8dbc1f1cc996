"""The head node is lost in mid-sweep, record and all: another machine goes on from the copied folder."""

import re
import shutil
import time
from collections import Counter

import pytest

from sweeper.store.event_lines import parse_lines
from sweeper.store.history import replay
from sweeper.store.record import Record
from sweeper.training.checkpoint_names import written

pytestmark = [pytest.mark.integration, pytest.mark.ray]
TRIALS, EPOCHS = 5, 10
SMALL = (
    *("-o", f"budget.trials={TRIALS}"),
    *("-o", f"train.epochs={EPOCHS}"),
    *("-o", "parameters.normalization=standardize"),
    *("-o", "parameters.pixels=16"),
)


def events(path):
    record = Record.open(path)
    found = list(record.lines())
    record.close()
    return found


def wait_until(is_so, process, seconds=600):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def outcome(machine, other_machine, digits):
    """A driver is killed when its copy is behind; only the folder without the record reaches the other."""
    here, there = machine.runs / "digits", other_machine.runs / "digits"
    process = machine.start("launch", digits, "--yes", *SMALL)
    copy = here / "record.copy.db"
    wait_until(lambda: copy.exists() and reported(events(copy)), process)
    copied = len(reported(events(copy)))
    wait_until(lambda: len(reported(events(here / "record.db"))) >= copied + 3, process)
    machine.end()
    before = events(here / "record.db")
    there.parent.mkdir()
    shutil.copytree(here, there, ignore=shutil.ignore_patterns("record.db*", ".lease", "tune"))
    known = events(there / "record.copy.db")
    saved = {folder.name: max(written(folder), default=0) for folder in (there / "checkpoints").iterdir()}
    began = time.monotonic()
    resumed = other_machine.start("resume", "digits")
    wait_until((there / "record.db").exists, resumed)
    wait_until(lambda: len(events(there / "record.db")) > len(known) + 4, resumed)
    seconds = time.monotonic() - began
    out, err = resumed.communicate(timeout=600)
    print(f"first report {seconds:.1f} s after resume")
    return resumed.returncode, out + err, before, known, events(there / "record.db"), saved


def reported(log):
    return [(event.trial, event.body["epoch"]) for event in log if event.kind == "reported"]


def figures(log):
    return {
        (e.trial, e.body["epoch"]): (e.body["score"], e.body["metrics"]["images_per_second"])
        for e in log
        if e.kind == "reported"
    }


def test_it_says_that_it_goes_on_from_the_copy_and_ends_well(outcome):
    code, said, *_ = outcome
    assert code == 0, said
    assert re.search(r"record\.db is missing: going on from record\.copy\.db, written \d{4}-", said)
    assert "Traceback" not in said


def test_the_copy_was_behind_and_what_checkpoints_hold_was_not_trained_again(outcome):
    """What the lost record knew and the copy did not comes from the checkpoints, else to the same numbers."""
    _, _, before, known, after, saved = outcome
    assert len(reported(before)) > len(reported(known))
    then, now = figures(before), figures(after)
    both = then.keys() & now.keys()
    assert len(both) > len(reported(known))
    assert {key: then[key][0] for key in both} == {key: now[key][0] for key in both}
    # the speed is measured, not computed: equal only where the epoch was trained once
    held = [(trial, epoch) for trial, epoch in both if epoch <= saved.get(trial, 0)]
    assert held
    assert {key: then[key] for key in held} == {key: now[key] for key in held}


def test_every_epoch_stands_in_the_record_once_and_in_order(outcome):
    _, _, _, _, after, _ = outcome
    assert [pair for pair, times in Counter(reported(after)).items() if times > 1] == []
    history = replay(parse_lines(after))
    assert history.closed == "done"
    assert len(history.trials) == TRIALS
    for trial in history.trials.values():
        assert trial.state.is_final
        assert [report.epoch for report in trial.reports] == list(range(1, len(trial.reports) + 1))


def test_a_new_mlflow_store_is_told_all_of_it(outcome, other_machine):
    mlflow = pytest.importorskip("mlflow")
    _, _, _, _, after, _ = outcome
    client = mlflow.MlflowClient(f"sqlite:///{other_machine.runs / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    told = {run.data.tags["sweeper.trial_key"]: run.info.run_id for run in runs}
    trials = replay(parse_lines(after)).trials
    assert len(told) == len(runs) == 1 + len(trials)
    for trial in trials.values():
        points = client.get_metric_history(told[trial.id], "valid/top1")
        assert sorted(point.step for point in points) == [report.epoch for report in trial.reports]


def test_the_lost_attempts_stay_in_the_ledger(outcome):
    _, _, _, _, after, _ = outcome
    assert any(attempt.ended == "driver_lost" for attempt in replay(parse_lines(after)).attempts)
