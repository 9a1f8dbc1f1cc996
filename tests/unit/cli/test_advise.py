"""`sweeper advise`: what it says of a sweep, and the file that it writes."""

import pytest

from sweeper.config.spec import load_spec

WIDE = {
    "parameters": {
        "learning_rate": {"min": 1e-3, "max": 0.1, "distribution": "log_uniform_values"},
        "layers": {"min": 1, "max": 4},
    },
    "budget": {"trials": 40},
}


@pytest.mark.slow(reason="280 evaluations of PED-ANOVA")
def test_all_of_it_is_said_and_the_next_file_is_a_sweep_file(make_run, say, tmp_path):
    make_run("toy", **WIDE)
    file = tmp_path / "next.yaml"
    said = say("advise", "toy", "--write", str(file))
    assert said.code == 0, said.err
    for words in (
        "At an edge",
        "No effect seen",
        "Rungs",
        "Foreseeable",
        "Next file",
        "Importance for the score",
    ):
        assert words in said.out
    assert f"sweeper plan {file}" in said.err
    made = load_spec(file)
    assert (made.name, list(made.search.warm_start)) == ("toy-next", ["toy"])
    assert file.read_text().startswith('# The next file after "toy"')


@pytest.mark.slow(reason="280 evaluations of PED-ANOVA")
def test_the_same_as_json(make_run, say):
    make_run("toy", **WIDE)
    found = say("advise", "toy", "--json").json
    assert {each["parameter"] for each in found["importance"]["score"]} == {"learning_rate", "layers"}
    assert all(0 <= each["chance"] <= 1 for each in found["importance"]["cost"])


def test_few_trials_are_said_to_be_few(make_run, say):
    make_run("toy", budget={"trials": 5})
    said = say("advise", "toy")
    assert said.code == 0
    assert "Too few trials to tell what matters: 5, of 20 at least." in said.out


def test_a_file_that_exists_is_never_overwritten(make_run, say, tmp_path):
    make_run("toy")
    file = tmp_path / "next.yaml"
    file.write_text("mine")
    said = say("advise", "toy", "--write", str(file))
    assert (said.code, said.err.count("\n"), "exists already" in said.err) == (2, 1, True)
    assert file.read_text() == "mine"


def test_a_file_in_a_folder_that_is_not_there_is_one_line(make_run, say, tmp_path):
    make_run("toy", budget={"trials": 5})
    said = say("advise", "toy", "--write", str(tmp_path / "none" / "next.yaml"))
    assert (said.code, "cannot be written" in said.err) == (2, True)


def test_a_sweep_without_a_score_has_nothing_to_teach(make_run, say):
    make_run("toy", "broken")
    said = say("advise", "toy")
    assert (said.code, said.err.count("\n"), "no trial has a score: each of" in said.err) == (2, 1, True)


def test_an_unknown_sweep_is_refused_in_one_line(runs, say):
    said = say("advise", "nobody")
    assert said.code != 0
    assert said.err.count("\n") == 1
