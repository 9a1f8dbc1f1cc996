"""What every verb that names a sweep says of a name or a record that is wrong."""

import sqlite3

import pytest

VERBS = ["status", "logs", "stop", "cancel", "resume"]


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_sweep_is_one_line_with_the_nearest_name(verb, make_run, say) -> None:
    make_run("digits", budget={"trials": 1})
    said = say(verb, "digitz")
    assert said.code == 2
    assert said.err == "error: no sweep is called 'digitz'; did you mean 'digits'?\n"
    assert said.out == ""


@pytest.mark.parametrize("verb", VERBS)
def test_without_any_sweep_it_says_how_to_start_one(verb, runs, say) -> None:
    said = say(verb, "digits")
    assert said.code == 2
    assert said.err == f"error: no sweep is called 'digits'; {runs} holds none, `sweeper launch` starts one\n"


@pytest.mark.parametrize("name", ["../../etc", "/etc", "a\x1b[31mb", ""])
def test_a_name_that_is_none_is_refused_in_words(name, make_run, say) -> None:
    make_run("digits", budget={"trials": 1})
    said = say("status", name)
    assert said.code == 2
    assert "\x1b" not in said.err
    assert said.err.startswith("error: no sweep is called ")


def _spoil(path, how: str) -> None:
    if how == "not a database":
        path.write_bytes(b"not a database, but long enough to be looked at" * 100)
        return
    connection = sqlite3.connect(path)
    statement = {
        "newer": "UPDATE meta SET value = '99' WHERE key = 'schema'",
        "no spec": "DELETE FROM meta WHERE key = 'spec'",
        "another spec": "UPDATE meta SET value = '{\"name\": 3}' WHERE key = 'spec'",
        "no events": "DROP TABLE events",
        "torn event": "UPDATE events SET body = '{\"epoch\":' WHERE kind = 'reported'",
        "foreign event": "UPDATE events SET body = '{}' WHERE kind = 'asked'",
    }[how]
    with connection:
        connection.execute("DROP VIEW IF EXISTS reports")
        connection.execute("DROP VIEW IF EXISTS decisions")
        connection.execute(statement)
    connection.close()


DAMAGE = ["not a database", "newer", "no spec", "another spec", "no events", "torn event", "foreign event"]


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("verb", ["status", "logs", "stop", "resume"])
def test_a_record_that_cannot_be_read_is_one_line(how, verb, make_run, say) -> None:
    paths = make_run("toy", budget={"trials": 2})
    _spoil(paths.record, how)
    said = say(verb, "toy")
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert str(paths.root) in said.err
    assert "newer sweeper" in said.err if how == "newer" else "newer" not in said.err


@pytest.mark.parametrize("how", DAMAGE)
def test_the_list_goes_on_behind_a_record_that_cannot_be_read(how, make_run, say) -> None:
    make_run("aaa", budget={"trials": 1})
    paths = make_run("broken-one", budget={"trials": 1})
    make_run("zzz", budget={"trials": 1})
    _spoil(paths.record, how)
    said = say("list")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == ["sweep", "aaa", "zzz"]
    assert said.err.startswith("broken-one: cannot be read: ")
    assert said.err.count("\n") == 1
    states = {each["name"]: each["state"] for each in say("list", "--json").json}
    assert states == {"aaa": "done", "broken-one": "unreadable", "zzz": "done"}
