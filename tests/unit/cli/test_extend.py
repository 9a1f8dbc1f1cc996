"""What changes a sweep that has ended: `extend`, `retry`, `sync`."""

import pytest

from sweeper.errors import PreflightError
from sweeper.launch.create import reopen
from sweeper.store import lease
from sweeper.store.event_lines import Line
from sweeper.store.history import replay
from sweeper.store.record import Record
from sweeper.trial import State


def history(paths):
    record = Record.open(paths.record)
    told = replay(record.events())
    record.close()
    return told


def test_an_extended_sweep_is_ready_to_go_on(make_run, say):
    paths = make_run("toy")
    said = say("extend", "toy", "--trials", "+3", "--widen", "layers.max=6")
    assert said.code == 0
    assert "budget.trials: 12 -> 15" in said.out
    assert "parameters.layers.max: 5 -> 6" in said.out
    assert "sweeper resume toy" in said.out
    spec, record = reopen(paths)
    record.close()
    assert (spec.budget.trials, spec.parameters["layers"].extremes()) == (15, (1, 6))
    assert history(paths).closed == "extended"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["toy"], "nothing to extend"),
        (["toy", "--trials", "+x"], "'+x' is no number"),
        (["toi", "--trials", "+1"], "did you mean 'toy'?"),
        (["toy", "--widen", "layers.max=2"], "a space can only grow"),
    ],
)
def test_wrong_words_change_nothing(make_run, say, words, said):
    paths = make_run("toy")
    before = paths.record.read_bytes()
    answered = say("extend", *words)
    assert (answered.code, said in answered.err) == (2, True)
    assert paths.record.read_bytes() == before


def test_a_running_sweep_is_not_extended(make_run, say):
    paths = make_run("toy")
    with lease.held(paths.root):
        assert say("extend", "toy", "--trials", "+1").code == 75


def test_failed_trials_wait_again_after_retry(make_run, say):
    paths = make_run("toy", "broken")
    failed = [trial for trial in history(paths).trials.values() if trial.state is State.FAILED]
    said = say("retry", "toy", "--failed")
    assert said.code == 0
    assert failed
    assert {history(paths).trials[trial.id].state for trial in failed} == {State.WAITING}
    assert say("list", "--json").json[0]["state"] != "broken"


def test_there_is_nothing_to_retry_where_nothing_failed(make_run, say):
    make_run("toy")
    said = say("retry", "toy", "--failed")
    assert (said.code, "no trial of it failed" in said.err) == (2, True)


@pytest.mark.slow(reason="MLflow makes its database")
def test_sync_delivers_what_is_left_and_then_has_nothing_to_do(make_run, say):
    paths = make_run("toy", budget={"trials": 2})
    record = Record.open(paths.record)
    waiting = record.pending_count()
    record.close()
    first, second = say("sync", "toy"), say("sync", "toy")
    assert (first.code, second.code) == (0, 0)
    assert first.out.startswith(f"{waiting} rows delivered, 0 left")
    assert second.out.startswith("0 rows delivered, 0 left")


def test_sync_says_what_keeps_it_from_delivering(make_run, say, monkeypatch):
    make_run("toy", budget={"trials": 1})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    said = say("sync", "toy")
    assert said.code == 7
    assert "MLflow:" in said.err


def test_an_event_of_another_kind_leaves_a_sweep_as_it_was(make_run):
    paths = make_run("toy")
    record = Record.open(paths.record)
    before = replay(record.events()).closed
    record.write(Line("of a newer sweeper"))
    assert replay(record.events()).closed == before
    record.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--address", "127.0.0.1:1"], "nobody answers there"),
        (["--address", "head"], "found no port"),
        (["--runner", "local", "--address", "auto"], "joins no cluster"),
    ],
)
def test_an_address_that_cannot_be_joined_leaves_nothing_behind(runs, say, tmp_path, words, said):
    answered = say("launch", str(tmp_path / "none.yaml"), *words)
    assert answered.code in (2, 5)
    assert said in answered.err
    assert list(runs.iterdir()) == []


def test_a_runs_folder_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PreflightError, match="SWEEPER_RUNS"), lease.held(tmp_path / "file" / "sweep"):
        pass
