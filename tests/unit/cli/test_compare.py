import shutil

import pytest


@pytest.fixture
def pair(make_run):
    """Two sweeps of other seeds."""
    return make_run("one"), make_run("two", search={"algorithm": "random", "seed": 8})


def test_two_sweeps_stand_side_by_side(pair, say):
    said = say("compare", "one", "two")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].split()[:3] == ["sweep", "trials", "spent"]
    assert [line.split()[0] for line in lines[1:3]] == ["one", "two"]
    for words in ("fronts on common axes", "Spent by each until", "area: share", "efficiency: points"):
        assert words in said.out


def test_json_holds_fronts_areas_and_what_each_needed(pair, say):
    found = say("compare", "one", "two", "--json").json
    assert [side["sweep"] for side in found["sweeps"]] == ["one", "two"]
    for side in found["sweeps"]:
        assert 0 < side["hypervolume_share"] < 1
        assert side["front"]
        assert side["best"]["score"] == say("best", side["sweep"], "--json").json["best"]["score"]
    reached = [side["reached_best_of"] for side in found["sweeps"]]
    assert (reached[0]["two"] is None) != (reached[1]["one"] is None)


def test_the_fronts_can_be_drawn(pair, say, tmp_path):
    picture = tmp_path / "fronts.svg"
    assert say("compare", "one", "two", "--svg", str(picture)).code == 0
    assert picture.read_text().count('id="stairs"') == 2


def test_other_images_are_pointed_out_in_plain_words(make_run, say):
    make_run("one")
    make_run("two", meta={"data_digest": "yet others"})
    said = say("compare", "one", "two")
    assert said.code == 0
    assert "note: their images or splits differ (one other images, two yet others)" in said.out


WRONG = [
    (("compare", "one"), "one sweep has nothing to be compared with; sweeper best one"),
    (("compare", "one", "one"), "'one' is named twice"),
    (("compare", "one", "onee"), "no sweep is called 'onee'; did you mean 'one'?"),
    (("compare", "one", "loss"), "one ranks by valid/top1, loss ranks by valid/loss"),
    (("compare", "one", "two", "--svg", "no/such/fronts.svg"), "no/such/fronts.svg: cannot be written"),
    (("compare",), "Missing argument"),
]


@pytest.mark.parametrize(("words", "problem"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_what_cannot_be_compared_is_refused_in_one_line(pair, make_run, say, words, problem):
    make_run("loss", objective={"metric": "valid/loss"})
    said = say(*words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert problem in said.err


def test_sweeps_without_any_score_do_not_compare(make_run, say):
    make_run("one", "broken")
    make_run("two", "broken")
    said = say("compare", "one", "two")
    assert (said.code, "no trial has a score yet" in said.err) == (2, True)


@pytest.mark.slow(reason="starts Python anew")
def test_a_fresh_user_compares_and_is_refused(pair, machine):
    for paths in pair:
        shutil.copytree(paths.root, machine.runs / paths.name, dirs_exist_ok=True)
    compared = machine.run("compare", "one", "two")
    assert (compared.returncode, compared.stderr) == (0, "")
    assert "area" in compared.stdout
    wrong = machine.run("compare", "one", "tow")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "error: no sweep is called 'tow'; did you mean 'two'?\n"
