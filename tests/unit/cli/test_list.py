import os
import shutil
from pathlib import Path

from sweeper.store import lease


def test_an_empty_folder_says_how_to_start(runs, say) -> None:
    said = say("list")
    assert said.code == 0
    assert str(runs) in said.out
    assert "sweeper launch" in said.out
    assert "sweeper init" in said.out
    assert say("list", "--json").json == []


def test_bare_sweeper_lists_the_sweeps(make_run, say) -> None:
    make_run("digits", budget={"trials": 3})
    assert say().out == say("list").out


def test_each_way_to_end_has_its_word(make_run, say) -> None:
    for ending in ("done", "stopped", "interrupted", "broken"):
        make_run(ending, ending)
    states = {line.split()[0]: line.split()[1] for line in say("list").out.splitlines()[1:]}
    assert states == {name: name for name in ("broken", "done", "interrupted", "stopped")}


def test_a_row_has_trials_by_state_the_best_score_and_what_it_cost(make_run, say) -> None:
    make_run("digits")
    header, row = say("list").out.splitlines()
    assert header.split() == ["sweep", "state", "trials", "best", "device", "time", "begun"]
    assert "12: " in row
    assert " completed" in row
    assert "valid/top1 " in row
    assert "CPU slot seconds" in row
    assert row.endswith("2026-11-21 09:07")


def test_a_running_sweep_names_its_host_and_process(make_run, say) -> None:
    paths = make_run("digits", "interrupted")
    with lease.held(paths.root):
        assert f", process {os.getpid()})" in say("list").out
        (facts,) = say("list", "--json").json
    assert (facts["state"], facts["pid"]) == ("running", os.getpid())
    assert say("list", "--json").json[0]["pid"] is None


def test_what_ran_when_the_driver_vanished_is_not_called_running(make_run, say) -> None:
    make_run("digits", "interrupted")
    (facts,) = say("list", "--json").json
    assert facts["trials"]["interrupted"] == 2
    assert "running" not in facts["trials"]


def test_json_has_the_figures(make_run, say) -> None:
    make_run("digits")
    (facts,) = say("list", "--json").json
    assert facts["name"] == "digits"
    assert sum(facts["trials"].values()) == 12
    assert 0 < facts["best"] < 1
    assert facts["device_seconds"] > 0
    assert facts["device"] == "cpu_slot"


def test_a_folder_without_a_record_is_no_sweep(runs, say) -> None:
    (runs / "mlflow-artifacts").mkdir()
    assert say("list", "--json").json == []


def test_sweeps_that_cannot_be_read_hide_no_other(make_run, runs: Path, say, without_rights) -> None:
    sound = make_run("sound", budget={"trials": 2}).root
    for name in ("closed", "damaged", "linked", "my lease", "strange"):
        shutil.copytree(sound, runs / name)
    (runs / "closed").chmod(0)
    (runs / "damaged" / "record.db").write_bytes(b"nothing")
    (runs / "linked" / "record.db").unlink()
    (runs / "linked" / "record.db").symlink_to(sound / "record.db")
    (runs / "strange" / "record.db").unlink()
    (runs / "strange" / "record.db").symlink_to("nowhere")
    for path in (runs, sound, sound / "record.db"):
        path.chmod(0o755)
    without_rights(sound)
    said = say("list")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == ["sweep", "sound"]
    problems = dict(line.split(": cannot be read: ") for line in said.err.splitlines())
    assert problems.keys() == {"closed", "damaged", "linked", "my lease", "strange"}
    assert "Permission denied" in problems["closed"]
    assert {each["name"]: each["state"] for each in say("list", "--json").json} == {
        **dict.fromkeys(problems, "unreadable"),
        "sound": "done",
    }
    assert say("status", "sound").code == 0


def test_a_runs_folder_that_may_not_be_listed_is_one_clear_line(runs: Path, say, without_rights) -> None:
    runs.chmod(0o700)
    without_rights(runs)
    said = say("list")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "cannot be listed (Permission denied)" in said.err
