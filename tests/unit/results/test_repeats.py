"""Repeats and final runs in the answer: one configuration, one row."""

import io
import json

import pytest
from rich.console import Console

from sweeper.results.answer import answer
from sweeper.results.cards.front import front_rows
from sweeper.results.cards.order import ranked_by
from sweeper.results.cards.worth import best_per_budget
from sweeper.results.certainty import certainty
from sweeper.results.plots import svg
from sweeper.results.render_json import merged
from sweeper.results.render_text import print_tables
from sweeper.trial import Goal


@pytest.fixture
def finals(trial, history):
    """Three configurations, two of which were trained anew: the lucky first falls behind."""
    return history(
        trial(0, 1, [0.2, 0.96], 1000),
        trial(1, 2, [0.95], 2000),
        trial(2, 3, [0.5], 100),
        trial(3, 1, [0.85], 1200, repeat=1, is_final_run=True),
        trial(4, 1, [0.87], 1400, repeat=2, is_final_run=True),
        trial(5, 2, [0.92], 2000, repeat=1, is_final_run=True),
        trial(6, 2, [0.94], 2400, repeat=2, is_final_run=True),
    )


@pytest.fixture
def rows(board, spec):
    """`rows(history(...))`: its configurations, best first."""
    return lambda told: board(told, spec()).configurations


def ranking(found):
    stream = io.StringIO()
    print_tables(ranked_by(found, "score", 9), Console(file=stream, width=140))
    return stream.getvalue()


def test_a_configuration_with_final_runs_is_one_row_of_their_mean(finals, rows):
    rows = rows(finals)
    assert [row.config["layers"] for row in rows] == [2, 1, 3]
    assert [row.score for row in rows] == pytest.approx([0.93, 0.86, 0.5])
    assert [row.trials for row in rows] == [(1, 5, 6), (0, 3, 4), (2,)]
    assert [row.device_seconds for row in rows] == pytest.approx([2200, 1300, 100]), "for one run"
    assert [row.rank for row in rows] == [1, 2, 3]


def test_the_rows_trial_is_the_one_to_take_out(finals, rows):
    best = rows(finals)[0]
    assert (best.number, best.own_score, best.runs, best.is_final) == (1, 0.95, 2, True)
    assert best.half_width == pytest.approx(12.7062 * 0.02 / 2, rel=1e-4)


def test_front_and_winner_are_configurations_and_single_trials_stay_within_reach(finals, spec, board):
    found = board(finals, spec(), 10)
    assert [row.trials for row in front_rows(found)] == [(2,), (0, 3, 4), (1, 5, 6)]
    assert [row.number for row in found.trials] == [0, 1, 6, 5, 4, 3, 2]
    sure = certainty(found.ranked, Goal.MAXIMIZE, found.sweep.spec.search.seed)
    assert sure is not None
    read = json.loads(json.dumps(merged(answer(found).values()), allow_nan=False))
    assert read["best"]["trials"] == [1, 5, 6]
    assert read["certainty"]["probability"] == sure.probability


def test_the_page_says_mean_interval_runs_and_how_sure_it_is(finals, spec, board, printed):
    found = board(finals, spec(), 10)
    said = printed(found) + ranking(found)
    for words in (
        "trial 1  93.0 % ± 12.7 (mean of 2 final runs)",
        "GPU hours each",
        "Really the best: with a probability of 9",
        "among 2 configurations of 2 runs each",
        "2 final  layers=2",
    ):
        assert words in said, words


def test_single_runs_are_told_how_to_get_certainty(trial, history, spec, board, printed):
    said = printed(board(history(trial(0, 1, [0.9]), trial(1, 2, [0.8])), spec(), 10))
    assert "cannot be told from single runs; `final: {top: 3, seeds: 3}`" in said
    alone = history(trial(0, 1, [0.9]), trial(1, 1, [0.8], repeat=1), trial(2, 2, [0.1]))
    assert "no other configuration was run more than once" in printed(board(alone, spec(), 10))


def test_a_price_unknown_for_one_run_is_unknown_for_the_mean(trial, history, rows):
    priced = trial(0, 1, [0.9], usd_per_hour=2.0)
    both = [priced, trial(1, 1, [0.8], repeat=1, usd_per_hour=4.0)]
    assert rows(history(*both))[0].usd == pytest.approx(3.0)
    assert rows(history(priced, trial(1, 1, [0.8], repeat=1)))[0].usd is None


def test_the_picture_draws_the_interval_of_a_mean(finals, spec, board):
    found = answer(board(finals, spec(), 10))
    front = found["front"].picture()
    assert [mark.reach is not None for mark in front.marks] == [True, True, False]
    assert svg(front).count("</use>") == 3
    assert "trial 1, 93.0 % ± 12.7" in svg(front)
    assert "enough?" in svg(found["anytime"].picture())


TITLES = {
    "pareto": ("Pareto front", "Knee of the front", "Best valid/top1", "Most efficient"),
    "budget": ("Best valid/top1", "Most efficient", "Best per budget", "Pareto front"),
    "efficiency": ("Most efficient", "Best valid/top1", "Pareto front"),
    "target": ("Cheapest at the target", "Best valid/top1", "Pareto front"),
}


@pytest.mark.parametrize("mode", TITLES)
def test_the_mode_decides_what_the_answer_opens_with(mode, trial, history, spec, board, printed):
    needs = {"efficiency": {"min_top5": 0.1}, "target": {"target": 0.55}}.get(mode, {})
    scores = [0.2, 0.6, 0.9, 0.92]
    sweep = history(*(trial(n, n, [score], [1, 20, 40, 400][n]) for n, score in enumerate(scores)))
    said = printed(board(sweep, spec(mode=mode, **needs), 10))
    places = [said.index(title) for title in TITLES[mode]]
    assert places == sorted(places)


def test_a_target_that_none_reached_is_said_first(trial, history, spec, board, printed):
    said = printed(board(history(trial(0, 1, [0.5])), spec(mode="target", target=0.9), 10))
    assert "Cheapest at the target  none reached 90.0 %" in said


def test_the_best_per_budget_are_for_a_quarter_half_and_all_of_the_dearest(trial, history, spec, board):
    sweep = history(*(trial(n, n, [n / 10], 3600 * n) for n in range(1, 9)))
    found = best_per_budget(board(sweep, spec(), 10))
    assert [(budget, row.number) for budget, row in found] == [(2.0, 2), (4.0, 4), (8.0, 8)]
    assert best_per_budget(board(history(trial(0, 1, [0.5], 0.0)), spec(), 10)) == []
