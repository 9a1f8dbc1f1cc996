import os

import pytest

from sweeper.store import lease


def test_a_finished_sweep_is_told_with_what_to_type_next(make_run, say) -> None:
    make_run()
    said = say("status", "toy")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "toy: done"
    for words in (
        "12 of 12 trials (100 %)",
        "billed",
        "productive",
        "idle",
        "best so far  valid/top1",
        "next",
    ):
        assert words in said.out
    assert "next  sweeper best toy" in said.out
    assert lines[-1].strip() == "sweeper sync toy"
    assert "sweeper resume" not in said.out


NEXT = [
    ("stopped", "stopped (Ctrl-C)", "sweeper resume toy"),
    ("interrupted", "interrupted (its process ended without closing the record)", "sweeper resume toy"),
    ("broken", "broken (each of its first 5 trials failed)", "sweeper logs toy 0"),
]


@pytest.mark.parametrize(("ending", "words", "command"), NEXT, ids=[row[0] for row in NEXT])
def test_an_unfinished_sweep_says_why_and_how_to_go_on(ending, words, command, make_run, say) -> None:
    make_run("toy", ending)
    said = say("status", "toy")
    assert said.out.startswith(f"toy: {words}\n")
    assert f"next  {command}" in said.out


def test_a_running_sweep_shows_its_trials_with_their_last_reports(make_run, say) -> None:
    paths = make_run("toy", "interrupted")
    with lease.held(paths.root):
        said, facts = say("status", "toy"), say("status", "toy", "--json").json
    assert said.out.startswith(f"toy: running (process {os.getpid()} on ")
    assert "sweeper stop toy" in said.out
    table = said.out[said.out.index("\nrunning\n") :].splitlines()[2:]
    assert table[0].split()[:3] == ["trial", "epoch", "valid/top1"]
    assert len(facts["running"]) == 2
    assert [int(line.split()[0]) for line in table[1:3]] == [each["trial"] for each in facts["running"]]


def test_the_last_failures_are_shown_without_control_characters(make_run, say) -> None:
    make_run("toy", "broken")
    said = say("status", "toy")
    assert "RuntimeError: no [red]such file" in said.out
    assert "\x1b" not in said.out
    assert "and 3 more" in said.out


def test_every_budget_that_is_set_has_a_line(make_run, say) -> None:
    make_run(budget={"trials": 12, "gpu_hours": 0.5, "wall_hours": 2})
    out = say("status", "toy").out
    assert "of 0.5 device-hours (" in out
    assert "of 2 wall hours (" in out
    assert set(say("status", "toy", "--json").json["budget"]) == {"trials", "device-hours", "wall hours"}


def test_what_tracking_has_not_heard_is_counted(make_run, say) -> None:
    make_run()
    facts = say("status", "toy", "--json").json
    assert facts["untold"] > 12
    assert f"{facts['untold']} rows not delivered yet" in say("status", "toy").out


def test_a_password_in_the_tracking_address_is_not_shown(make_run, say) -> None:
    make_run(tracking={"uri": "postgresql://me:secret@db/mlflow"})
    out = say("status", "toy").out
    assert "postgresql://me:***@db/mlflow" in out
    assert "secret" not in out


AGAIN = [(("extend", "toy", "--trials", "+3"), "extended"), (("retry", "toy", "--failed"), "retried")]


@pytest.mark.parametrize(("words", "why"), AGAIN, ids=["extended", "retried"])
def test_a_sweep_that_was_given_more_to_do_is_ready_to_go_on(words, why, make_run, say) -> None:
    make_run("toy", "broken")
    assert say(*words).code == 0
    assert say("status", "toy").out.startswith(f"toy: ready to go on ({why})\n")
    assert "next  sweeper resume toy" in say("status", "toy").out
    assert ("budget.trials: 12 -> 15" if why == "extended" else "asked for another attempt") in say(
        "logs", "toy"
    ).out


def test_json_adds_up(make_run, say) -> None:
    make_run()
    facts = say("status", "toy", "--json").json
    assert sum(facts["trials"].values()) == 12
    assert facts["billed_device_seconds"] >= facts["productive_device_seconds"] > 0
    assert facts["idle_device_seconds"] >= 0
    assert facts["best"]["score"] > 0


def test_whether_going_on_pays_is_told_while_it_runs_and_after(make_run, say) -> None:
    paths = make_run()
    assert "enough?" in say("status", "toy").out
    with lease.held(paths.root):
        said = say("status", "toy").out
    assert "stop now?" in said
    assert "last tenth" in said
    told = say("status", "toy", "--json").json["anytime"]
    assert told["advice"] in ("stop", "go on", "open")
    assert told["curve"][-1]["score"] == say("status", "toy", "--json").json["best"]["score"]


def test_without_a_score_nobody_advises(make_run, say) -> None:
    make_run("toy", "broken")
    assert "enough?" not in say("status", "toy").out
    assert say("status", "toy", "--json").json["anytime"]["advice"] == "unknown"
