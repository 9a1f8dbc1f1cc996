import os
import subprocess
import sys

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


def test_a_floor_for_top5_is_held_against_top5(make_run, say):
    make_run("toy")
    said = say("best", "toy", "--by", "efficiency", "--min-top5", "0.99")
    assert (said.code, said.err.count("\n"), "nothing to rank" in said.err) == (2, 1, True)
    free = say("best", "toy", "--by", "efficiency", "--min-top5", "0", "-n", "99", "--json").json
    assert free["efficient"]["floor"] == 0


def test_a_loss_has_no_efficiency_to_rank_by(make_run, say):
    make_run("toy", objective={"metric": "valid/loss"})
    said = say("best", "toy", "--by", "efficiency")
    assert (said.code, "valid/loss has no chance level" in said.err) == (2, True)


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
    assert (said.code, "failed (" in said.err and "sweeper logs toy" in said.err) == (2, True)


def test_repeats_are_one_configuration_and_single_trials_stay_reachable(make_run, say):
    make_run("toy", search={"algorithm": "random", "seed": 7, "repeats": 2}, scheduler={"type": "none"})
    found = say("best", "toy", "-n", "99", "--json").json
    assert len(found["trials_ranked"]) == 6
    assert found["best"]["runs"] == 2
    assert found["best"]["half_width"] >= 0
    assert 0 < found["certainty"]["probability"] <= 1
    single = say("best", "toy", "--trials", "-n", "99", "--json").json["trials_ranked"]
    assert sorted(row["number"] for row in single) == list(range(12))
    assert "with a probability of" in say("best", "toy").out


def test_after_a_final_the_best_few_come_first_with_an_interval(make_run, say):
    make_run("toy", final={"top": 2, "seeds": 2}, budget={"trials": 12})
    rows = say("best", "toy", "-n", "99", "--json").json["trials_ranked"]
    assert [row["is_final"] for row in rows[:3]] == [True, True, False]
    assert [row["runs"] for row in rows[:2]] == [2, 2]
    assert len({tuple(row["trials"]) for row in rows}) == len(rows) == 8
    out = say("best", "toy").out
    assert "(mean of 2 final runs)" in out
    assert "among 2 configurations of 2 runs each" in out


def test_pictures_that_lie_beside_the_record_are_named_and_none_is_drawn(make_run, say):
    paths = make_run("toy")
    assert say("best", "toy", "--json").json["pictures"] == []
    assert not paths.front.exists()
    paths.front.write_text("<svg/>")
    assert say("best", "toy", "--json").json["pictures"] == [str(paths.front)]
    assert str(paths.front) in say("best", "toy").out
    assert paths.front.read_text() == "<svg/>"


def test_best_per_budget_and_what_going_on_would_bring_are_told(make_run, say):
    make_run("toy")
    found = say("best", "toy", "--json").json
    budgets = [each["budget"] for each in found["best_within"]]
    assert budgets == sorted(budgets)
    assert all(each["trial"]["gpu_hours"] <= each["budget"] for each in found["best_within"])
    assert found["anytime"]["curve"][-1]["score"] == found["best"]["own_score"]
    assert found["anytime"]["advice"] in ("stop", "go on", "open")
    assert "Enough?" in say("best", "toy").out


def test_within_a_budget_single_trials_cost_no_more_either(make_run, say):
    make_run("toy")
    limit = say("best", "toy", "--json").json["best"]["gpu_hours"] * 0.9
    rows = say("best", "toy", "--trials", "--budget", str(limit), "-n", "99", "--json").json["trials_ranked"]
    assert rows
    assert all(row["gpu_hours"] <= limit for row in rows)


def test_the_mode_of_the_file_opens_the_answer(make_run, say):
    make_run("toy", objective={"metric": "valid/top1", "mode": "target", "target": 0.5})
    out = say("best", "toy").out
    assert out.index("Cheapest at the target") < out.index("Best valid/top1")


@pytest.mark.slow(reason="starts Python anew")
def test_reading_loads_no_torch(make_run):
    paths = make_run("toy")
    code = "import sys; from sweeper.cli import run; run(['best', 'toy']); sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "SWEEPER_RUNS": str(paths.root.parent)}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL).returncode
        == 0
    )
