import io
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from sweeper.config.spec import SweepSpec, parse_spec
from sweeper.results.answer import answer
from sweeper.results.cards.front import front_rows, knee_row
from sweeper.results.cards.order import ranked_by
from sweeper.results.cards.spent import STAND_IN, spending
from sweeper.results.cards.worth import most_efficient_row, reaching_row
from sweeper.results.costs import saved_device_seconds
from sweeper.results.leaderboard import Leaderboard, trial_rows, varied
from sweeper.results.render_json import merged
from sweeper.results.render_text import print_tables
from sweeper.store.history import Attempt, SweepHistory, TrialHistory
from sweeper.trial import Goal, Report, State


def spec(**objective: Any) -> SweepSpec:
    said = {"metric": "valid/top1", **objective}
    text = json.dumps(
        {
            "name": "digits",
            "dataset": {"source": "digits"},
            "parameters": {"layers": {"values": [1, 2, 3]}},
            "train": {"epochs": 10},
            "objective": said,
            "budget": {"trials": 4},
        }
    )
    return parse_spec(text)


def trial(
    number: int, scores: list[float], seconds: float, state: State = State.COMPLETED, **more: Any
) -> TrialHistory:
    """One attempt on half a device; every epoch took the same time."""
    made = TrialHistory(f"{number:016x}", number, {"layers": number, "dropout": 0.1}, seed=0, state=state)
    for epoch, score in enumerate(scores, 1):
        metrics = {"valid/top1": score, "valid/top5": min(1.0, score + 0.05)}
        made.reports.append(Report(epoch, score, seconds * epoch / len(scores), metrics))
    attempt = Attempt(made.id, 1, share=0.5, billed=2.2 * seconds, productive=2 * seconds, ended="completed")
    made.attempts = [replace(attempt, **more)]
    return made


def history(*trials: TrialHistory) -> SweepHistory:
    return SweepHistory({t.id: t for t in trials}, launches=1, wall_seconds=200.0, closed="done")


USUAL = (
    trial(1, [0.5, 0.8, 0.7], 300),
    trial(2, [0.6, 0.95], 36),
    trial(3, [0.2], 10, State.STOPPED),
    trial(4, [0.9, 0.97], 720),
    trial(5, [], 5, State.FAILED),
)
STEPS = (trial(1, [0.2], 1), trial(2, [0.6], 20), trial(3, [0.9], 40), trial(4, [0.92], 400))


def test_trials_rank_by_their_best_epoch_and_those_without_a_score_come_last() -> None:
    rows = trial_rows(history(*USUAL), Goal.MAXIMIZE)
    assert [(row.rank, row.number) for row in rows] == [(1, 4), (2, 2), (3, 1), (4, 3), (None, 5)]
    assert (rows[2].epoch, rows[2].epochs, rows[2].score) == (2, 3, 0.8)
    assert rows[2].metrics["valid/top5"] == pytest.approx(0.85)


def test_a_loss_ranks_the_lowest_first_and_of_equals_the_cheaper() -> None:
    rows = trial_rows(history(trial(1, [0.5], 20), trial(2, [0.5], 10), trial(3, [0.7], 1)), Goal.MINIMIZE)
    assert [row.number for row in rows] == [2, 1, 3]


def test_a_diverged_trial_never_ranks() -> None:
    rows = trial_rows(history(trial(1, [math.nan, math.inf], 3), trial(2, [0.1], 3)), Goal.MAXIMIZE)
    assert [row.rank for row in rows] == [1, None]


def test_only_parameters_that_differ_tell_trials_apart() -> None:
    assert varied(trial_rows(history(*USUAL), Goal.MAXIMIZE)) == ("layers",)


def test_the_answer_names_best_front_knee_and_most_efficient(board) -> None:
    found = board(history(*USUAL), spec(), 10)
    assert found.best is not None
    assert found.best.number == 4
    assert [row.number for row in front_rows(found)] == [3, 2, 4]
    efficient = most_efficient_row(found)
    assert efficient is not None
    assert efficient.row.number == 2
    assert efficient.ratio == pytest.approx(0.85 / (1.1 * 36 / 3600))
    assert efficient.floor == pytest.approx(0.1 + 0.9 * 0.87)


def test_the_knee_is_sought_among_networks_that_are_good_for_something(board) -> None:
    found = knee_row(board(history(*STEPS), spec(), 10))
    assert found is not None
    assert found.number == 3
    useless = [trial(5, [0.1], 0.1), trial(6, [0.12], 0.2), trial(7, [0.5], 0.3)]
    assert knee_row(board(history(*useless), spec(), 10)) is None


def test_a_name_is_never_taken_for_markup(board, printed) -> None:
    odd = trial(1, [0.5], 3)
    odd.point = "[red]x[/nope]"
    assert "[red]x[/nope]" in printed(board(history(odd), spec()))


def test_no_printed_line_ends_in_blanks(board, printed) -> None:
    lines = printed(board(history(*STEPS), spec(), 10), width=100).splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert any("knee" in line for line in lines)


def test_min_top5_decides_who_competes_in_efficiency(board) -> None:
    strict = most_efficient_row(board(history(*USUAL), spec(min_top5=1.0), 10))
    assert strict is not None
    assert strict.is_floor_given
    assert strict.row.number == 2
    cheap = trial(6, [0.94], 1)
    with_cheap = most_efficient_row(board(history(*USUAL, cheap), spec(min_top5=1.0), 10))
    assert with_cheap is not None
    assert with_cheap.row.number == 2, "0.99 top-5 is below the floor, however cheap"


def test_a_target_is_answered_by_the_cheapest_that_reaches_it(board) -> None:
    found = reaching_row(board(history(*USUAL), spec(mode="target", target=0.9)))
    assert found is not None
    assert found.number == 2


def test_the_most_efficient_competes_with_all_that_cannot_be_told_from_the_best(board, printed) -> None:
    """From nine tenths of the gain up it was nearly always the best itself."""
    close, far = trial(1, [0.95], 40), trial(2, [0.7], 10)
    found = board(history(trial(0, [0.97], 400), close, far), spec(), 10)
    found.sweep.meta["valid_images"] = json.dumps([36] * 10)
    efficient = most_efficient_row(found)
    assert efficient is not None
    assert (efficient.row.number, efficient.below, efficient.cheaper) == (1, 1, 1)
    assert efficient.floor == pytest.approx(0.97 - 1.96 * math.sqrt(2 * 0.033 * 0.967 / 364), abs=0.001)
    said = " ".join(printed(found).split())
    assert "the floor: on 360 validation images" in said
    assert "below it: 1 configuration, of which 1 cost less" in said
    table = ranked_by(found, "efficiency", 9).tables[0]
    assert [row[1] for row in table.rows] == ["1", "0"]
    assert table.columns[6].startswith("points per ")
    assert float(table.rows[0][6]) > float(table.rows[1][6])


def test_a_loss_has_no_efficiency(board) -> None:
    loss = spec(metric="valid/loss", goal=Goal.MINIMIZE)
    assert most_efficient_row(board(history(*USUAL), loss, 10)) is None


def test_device_time_is_billed_by_share_and_savings_are_the_missing_epochs(board) -> None:
    found = spending(board(history(*USUAL), spec())).facts
    assert found["billed_device_seconds"] == pytest.approx(1.1 * (300 + 36 + 10 + 720 + 5))
    assert found["productive_device_seconds"] == pytest.approx(300 + 36 + 10 + 720 + 5)
    assert found["stopped_early"] == 1
    assert found["saved_device_seconds"] == pytest.approx(9 * 10)
    assert saved_device_seconds(trial(1, [], 3), 10) == 0


def test_prices_make_usd_the_cost_and_their_absence_falls_back_to_hours(board) -> None:
    dear = [trial(n, [0.5 + n / 10], 3600, is_gpu=True, usd_per_hour=2.0) for n in (1, 2)]
    priced = board(history(*dear), spec(cost="usd"))
    assert priced.cost == "usd"
    assert priced.has_gpu
    assert spending(priced).facts["usd"] == pytest.approx(2 * 1.1 * 2.0)
    assert board(history(*USUAL), spec(cost="usd")).cost == "gpu_hours"


def ranking(found: Leaderboard) -> str:
    stream = io.StringIO()
    print_tables(ranked_by(found, "score", 3), Console(file=stream, width=110))
    return stream.getvalue()


def test_the_printed_answer_says_everything_in_words(board, printed) -> None:
    tested = trial(4, [0.9, 0.97], 720)
    tested.test = {"test/top1": 0.965, "test/top5": 1.0}
    found = board(history(*USUAL[:3], tested, USUAL[4]), spec(), 10)
    text = printed(found, width=110) + ranking(found)
    for part in (
        "digits: done in 3 min 20 s",
        "5 trials: 3 completed, 1 stopped, 1 failed",
        "trial 4  97.0 %  epoch 2 of 2",
        "test/top1 96.5 %  test/top5 100.0 % (opened once",
        "points above chance per CPU slot hour, the most of those from 88.3 % up",
        "Pareto front: valid/top1 up, CPU slot hours down",
        "0.33 CPU slot hours billed",
        "(91 %)",
        "1 trial, which saved about 90 CPU slot seconds",
        STAND_IN,
        str(found.sweep.paths.record),
        f"sqlite:///{found.sweep.paths.mlflow}, experiment digits",
        "sweeper ui digits",
        "layers=2",
    ):
        assert part in text, part
    assert "dropout" not in text


def test_a_sweep_without_any_score_still_gets_an_answer(board, printed) -> None:
    text = printed(board(history(trial(1, [], 3, State.FAILED)), spec()))
    assert "No trial reported a finite valid/top1" in text
    assert "1 failed" in text
    assert "0 trials" in printed(board(SweepHistory(), spec()))


def test_with_gpus_no_slot_stands_in(board, printed) -> None:
    text = printed(board(history(trial(1, [0.9], 7200, is_gpu=True)), spec(), 10))
    assert "2.20 GPU hours" in text
    assert STAND_IN not in text


def test_the_answer_is_json(board) -> None:
    blurred = trial(6, [0.1], 3)
    blurred.reports = [replace(blurred.reports[0], metrics={"train/loss": math.nan})]
    assert trial_rows(history(blurred), Goal.MAXIMIZE)[0].as_dict()["metrics"] == {"train/loss": None}
    found = answer(board(history(*USUAL), spec(), 10))
    read = json.loads(json.dumps(merged(found.values()), allow_nan=False))
    assert read["best"]["number"] == 4
    assert read["ranking"] == [4, 2, 1, 3]
    assert read["efficient"]["trial"]["number"] == 2
    assert read["knee"] is None
    assert read["device"] == "cpu_slot"
    assert read["trials"] == {"completed": 3, "stopped": 1, "failed": 1}
    assert read["next"] == ["sweeper best digits", "sweeper evaluate digits", "sweeper ui digits"]


SKEWED = {"valid_images": "[200, 8, 3]"}


def _answered(board, printed, scores: list[float], meta: dict[str, str], **objective: Any) -> str:
    made = board(history(trial(1, scores, 36)), spec(**objective), 3)
    return " ".join(
        printed(replace(made, sweep=replace(made.sweep, meta={**made.sweep.meta, **meta}))).split()
    )


def test_a_top_five_of_three_classes_is_never_shown_without_saying_that_it_means_nothing(
    board, printed
) -> None:
    said = _answered(board, printed, [1.0], {}, metric="valid/top5")
    assert "this means nothing: top-5 of 3 classes is always 100 %: use objective.metric: valid/top1" in said


def test_the_majority_guess_is_neither_called_good_nor_efficient(board, printed) -> None:
    said = _answered(board, printed, [0.93], SKEWED)
    assert "no better than a guess: naming the largest class every time scores 94.8 %" in said
    assert "Most efficient" not in said
    above = _answered(board, printed, [0.97], SKEWED)
    assert "no better than a guess" not in above
    assert "naming the largest class every time scores 94.8 %: objective.metric: valid/balanced_top1" in above
    balanced = _answered(board, printed, [0.93], SKEWED, metric="valid/balanced_top1")
    assert "naming the largest class" not in balanced


def test_a_test_that_had_no_images_is_said_not_to_have_been_measured(board, printed) -> None:
    said = _answered(board, printed, [0.9], {"test_images": "0"})
    assert "not tested: no image is kept for the test (dataset.split.test)" in said
    assert "test/top1" not in said


@pytest.mark.parametrize(("waited", "is_said"), [(3.0, True), (0.3, False)])
def test_load_from_outside_that_distorts_costs_is_said_in_the_answer(board, printed, waited, is_said) -> None:
    crowded = trial(1, [0.5, 0.8], 36)
    crowded.reports = [
        replace(each, metrics={**each.metrics, "cpu_seconds": 5.0, "core_wait_seconds": waited})
        for each in crowded.reports
    ]
    said = " ".join(printed(board(history(crowded), spec(), 10)).split())
    assert ("trials waited 38 % of their time for a core that other processes had" in said) is is_said


def test_a_sweep_without_any_score_leads_on_to_why_and_not_to_its_best(board, printed) -> None:
    said = printed(board(history(trial(1, [], 5, State.FAILED)), spec(), 10))
    assert "sweeper logs digits" in said
    assert "sweeper evaluate digits" not in said
