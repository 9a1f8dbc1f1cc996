import pytest


def test_best_says_the_answer_again(make_run, say):
    make_run("toy")
    said = say("best", "toy")
    assert said.code == 0
    for words in ("Best valid/top1", "Pareto front", "Device time", "sweeper ui toy"):
        assert words in said.out


def test_a_ranking_has_as_many_trials_as_asked_for_in_order(make_run, say):
    make_run("toy")
    rows = say("best", "toy", "-n", "4", "--json").json["trials_ranked"]
    assert len(rows) == 4
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)


def test_by_cost_the_cheapest_comes_first(make_run, say):
    make_run("toy")
    rows = say("best", "toy", "--by", "cost", "--json").json["trials_ranked"]
    assert [row["device_seconds"] for row in rows] == sorted(row["device_seconds"] for row in rows)


def test_by_efficiency_nothing_below_the_floor_competes(make_run, say):
    make_run("toy")
    found = say("best", "toy", "--by", "efficiency", "--json").json
    assert all(row["score"] >= found["efficient"]["floor"] for row in found["trials_ranked"])
    assert found["trials_ranked"][0]["number"] == found["efficient"]["trial"]["number"]


def test_within_a_budget_the_best_costs_no_more(make_run, say):
    make_run("toy")
    dear = say("best", "toy", "--json").json["best"]
    limit = dear["gpu_hours"] * 0.9
    cheap = say("best", "toy", "--budget", str(limit), "--json").json["best"]
    assert cheap["gpu_hours"] <= limit
    assert cheap["score"] <= dear["score"]


@pytest.mark.parametrize("words", [["--budget", "1e-12"], ["--budget", "-1"], ["--by", "luck"], ["-n", "0"]])
def test_what_cannot_be_answered_is_one_line(make_run, say, words):
    make_run("toy")
    said = say("best", "toy", *words)
    assert (said.code, said.err.count("\n"), "Traceback" in said.err) == (2, 1, False)


def test_a_sweep_without_scores_says_where_to_look(make_run, say):
    make_run("toy", "broken")
    said = say("best", "toy")
    assert (said.code, "sweeper status toy" in said.err) == (2, True)
