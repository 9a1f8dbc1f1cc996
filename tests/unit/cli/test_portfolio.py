"""`sweeper portfolio`: the file that it writes is one that a sweep begins with."""

import pytest

from sweeper.search.parts.portfolio_file import read_portfolio

ENOUGH = {"budget": {"trials": 12}}


def test_the_next_sweep_can_begin_with_the_file(make_run, say, tmp_path):
    make_run("toy", **ENOUGH)
    file = tmp_path / "team.yaml"

    said = say("portfolio", "toy", "-o", str(file))

    assert said.code == 0, said.err
    assert f"wrote {file}" in said.out
    assert "0 % of all are foretold" in said.out
    members = read_portfolio(str(file)).configurations
    assert all({"layers", "learning_rate", "optimizer"} <= set(member) for member in members)


def test_the_same_as_json(make_run, say, tmp_path):
    make_run("toy", **ENOUGH)

    found = say("portfolio", "toy", "-o", str(tmp_path / "team.yaml"), "--size", "2", "--json").json

    assert len(found["members"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("toy", "-o", "team.txt"), "expected a name that ends in .yaml"),
        (("tou", "-o", "team.yaml"), "did you mean 'toy'?"),
        (("toy", "-o", "gone/team.yaml"), "cannot be written"),
        (("small", "-o", "team.yaml"), "a portfolio needs 8"),
        (("-o", "team.yaml"), "Missing argument"),
        (("toy",), "Missing option"),
    ],
)
def test_what_cannot_be_is_one_line(make_run, say, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    make_run("toy", **ENOUGH)
    make_run("small", budget={"trials": 2})

    found = say("portfolio", *words)

    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1


def test_a_file_is_never_overwritten(make_run, say, tmp_path):
    make_run("toy", **ENOUGH)
    file = tmp_path / "team.yaml"
    file.write_text("mine")

    assert "exists already" in say("portfolio", "toy", "-o", str(file)).err
    assert file.read_text() == "mine"
