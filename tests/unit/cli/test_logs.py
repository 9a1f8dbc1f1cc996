import io
import sys
import threading

import pytest

from sweeper.cli import run
from sweeper.store import lease
from sweeper.store.event_lines import Line
from sweeper.store.record import Record
from sweeper.trial import State


def _stopped(say) -> int:
    """The number of a trial that early stopping ended."""
    events = say("logs", "toy", "--json").json
    return next(each["number"] for each in events if each["body"].get("decision") == "stop")


def test_events_are_told_oldest_first(make_run, say) -> None:
    make_run()
    lines = say("logs", "toy").out.splitlines()
    assert lines[0].endswith("launch 1 begins")
    assert "trial 0  started  layers=" in lines[1]
    assert "closed: done, " in lines[-1]
    assert [line[:19] for line in lines] == sorted(line[:19] for line in lines)


def test_an_early_stop_names_rung_rank_and_threshold(make_run, say) -> None:
    make_run()
    assert any("stopped at rung 1 (rank " in line and ", needed " in line for line in _lines(say))


def _lines(say) -> list[str]:
    return say("logs", "toy").out.splitlines()


def test_an_interrupted_attempt_waits_for_another(make_run, say) -> None:
    make_run("toy", "stopped")
    assert any("attempt 1 ended (interrupted: " in line for line in _lines(say))
    assert "closed: Ctrl-C" in _lines(say)[-1]


def test_only_the_last_so_many(make_run, say) -> None:
    make_run()
    assert say("logs", "toy", "-n", "3").out.splitlines() == _lines(say)[-3:]
    assert len(say("logs", "toy", "-n", "3", "--json").json) == 3


def test_json_has_every_event_as_it_was_recorded(make_run, say) -> None:
    paths = make_run()
    record = Record.open(paths.record)
    recorded = [(event.seq, event.kind) for event in record.lines()]
    record.close()
    assert [(each["seq"], each["kind"]) for each in say("logs", "toy", "--json").json] == recorded


def test_a_trial_says_why_it_was_stopped(make_run, say) -> None:
    make_run()
    number = _stopped(say)
    out = say("logs", "toy", str(number)).out
    assert out.startswith(f"trial {number} of toy (")
    first = out.splitlines()[0]
    assert "stopped after epoch " in first
    assert " at rung " in first
    assert "(rank " in first
    assert ", needed " in first
    assert "not among the best" in first


def test_a_trial_shows_configuration_attempts_reports_and_decisions(make_run, say) -> None:
    make_run()
    number = _stopped(say)
    page, facts = say("logs", "toy", str(number)).out, say("logs", "toy", str(number), "--json").json
    for words in (
        "configuration\n  layers",
        "learning_rate",
        "attempts\n",
        "simulated",
        "virtual",
        "reports",
    ):
        assert words in page
    assert [each["epoch"] for each in facts["reports"]] == list(range(1, len(facts["reports"]) + 1))
    last = facts["decisions"][-1]
    assert last["decision"] == "stop"
    assert last["rank"] > 1
    assert last["threshold"] > facts["reports"][-1]["score"]
    assert facts["attempts"][0]["billed"] >= facts["attempts"][0]["productive"] > 0


def test_a_trial_is_found_by_number_and_by_the_beginning_of_its_id(make_run, say) -> None:
    make_run()
    facts = say("logs", "toy", "3", "--json").json
    assert say("logs", "toy", facts["id"][:8], "--json").json == facts
    assert say("logs", "toy", facts["id"].upper(), "--json").json == facts


def test_trials_that_failed_say_with_what(make_run, say) -> None:
    make_run("toy", "broken")
    first = say("logs", "toy", "0").out.splitlines()[0]
    assert first.endswith("failed: error: RuntimeError: no [red]such file")


def test_a_trial_that_completed_says_so(make_run, say) -> None:
    make_run(budget={"trials": 1})
    assert say("logs", "toy", "0").out.splitlines()[0].endswith(": completed: 9 of 9 epochs")


UNKNOWN = [
    ("99", "error: toy: no trial '99'; its trials are 0 to 11\n"),
    ("-1", None),
    ("zz", "error: toy: no trial 'zz'; its trials are 0 to 11\n"),
]


@pytest.mark.parametrize(("word", "message"), UNKNOWN, ids=[row[0] for row in UNKNOWN])
def test_an_unknown_trial_is_one_line(word, message, make_run, say) -> None:
    make_run()
    said = say("logs", "toy", word)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert message in (None, said.err)


def test_an_id_that_fits_several_trials_asks_for_more(make_run, say) -> None:
    paths = make_run(budget={"trials": 1})
    record = Record.open(paths.record)
    for number, trial in ((1, "abcd1"), (2, "abcd2")):
        body = {"number": number, "config": {}, "seed": 1}
        record.write(Line("asked", trial, body=body))
    record.close()
    said = say("logs", "toy", "abcd")
    assert said.code == 2
    assert "abcd1 (trial 1), abcd2 (trial 2)" in said.err


def test_a_sweep_without_trials_says_so(make_run, say) -> None:
    paths = make_run("toy", budget={"trials": 1})
    record = Record.open(paths.record)
    meta = record.meta
    record.close()
    empty = paths.root.with_name("empty")
    Record.create(empty / "record.db", meta).close()
    said = say("logs", "empty", "0")
    assert said.err == "error: empty: no trial '0'; no trial has begun yet\n"


def test_a_trial_that_nobody_started_has_a_page(make_run, say) -> None:
    paths = make_run(budget={"trials": 1})
    record = Record.open(paths.record)
    record.write(Line("asked", "abcd", body={"number": 1, "config": {"layers": 2}, "seed": 1}))
    record.close()
    assert say("logs", "toy", "1").out.splitlines()[0].endswith(f": {State.WAITING}, nothing has run yet")


def test_scores_that_are_not_finite_are_null_in_json(make_run, say) -> None:
    paths = make_run(budget={"trials": 1})
    trial = say("logs", "toy", "0", "--json").json["id"]
    record = Record.open(paths.record)
    record.write(Line("reported", trial, 1, {"epoch": 10, "score": float("nan"), "device_seconds": 9.0}))
    record.close()
    assert say("logs", "toy", "0", "--json").json["reports"][-1]["score"] is None
    assert say("logs", "toy", "0").code == 0


def test_follow_ends_at_once_where_nobody_runs_the_sweep(make_run, say) -> None:
    make_run()
    assert say("logs", "toy", "--follow").out == say("logs", "toy").out


class Tee(io.StringIO):
    """What is printed; the event is set when the first line is there."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = threading.Event()

    def write(self, text: str) -> int:
        self.has_begun.set()
        return super().write(text)


def test_follow_tells_what_the_owner_writes_until_it_leaves(make_run, monkeypatch) -> None:
    paths, out, is_held = make_run("toy", "stopped"), Tee(), threading.Event()

    def own() -> None:
        with lease.held(paths.root):
            is_held.set()
            out.has_begun.wait()
            record = Record.open(paths.record)
            record.write(Line("launched"), Line("closed", body={"why": "done"}))
            record.close()

    owner = threading.Thread(target=own)
    owner.start()
    is_held.wait()
    monkeypatch.setattr(sys, "stdout", out)
    assert run(["logs", "toy", "--follow", "-n", "1"]) == 0
    owner.join()
    assert [line[21:].split(",")[0] for line in out.getvalue().splitlines()] == [
        "closed: Ctrl-C",
        "launch 2 begins",
        "closed: done",
    ]


def test_follow_and_json_contradict_each_other(make_run, say) -> None:
    make_run(budget={"trials": 1})
    said = say("logs", "toy", "--follow", "--json")
    assert said.code == 2
    assert "contradict" in said.err
