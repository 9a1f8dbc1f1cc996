"""The best of many is partly luck; the answer says what a repeat of it would be expected to give."""

import json

import numpy as np
import pytest

from sweeper.results.answer import answer
from sweeper.results.render_json import merged
from sweeper.results.winners_curse import expected_repeat, shrunk
from sweeper.sweep.ranking import ranked_configs
from sweeper.trial import Goal


@pytest.fixture
def of(trial, history):
    """`of([0.9, 0.8])`: what a repeat of the best of these is expected to give, on 360 images."""

    def expect(scores, images=360, goal=Goal.MAXIMIZE):
        trials = [trial(number, number + 1, [score]) for number, score in enumerate(scores)]
        return expected_repeat(ranked_configs(history(*trials), goal), goal, images)

    return expect


def test_over_many_sweeps_the_figure_is_nearer_to_a_repeat_than_the_winners_score():
    """Twelve configurations, of which the good ones are alike, and 360 images."""
    random, errors = np.random.default_rng(3), []
    for _ in range(60):
        true = np.sort(np.concatenate([random.normal(0.85, 0.005, 6), random.uniform(0.3, 0.8, 6)]))
        variance = true * (1 - true) / 360
        told = true + random.normal(size=12) * np.sqrt(variance)
        order = np.argsort(-told)
        errors.append(np.array([told.max(), shrunk(told[order], variance[order])]) - true[order][0])
    raw, drawn = np.mean(errors, axis=0), np.sqrt(np.mean(np.square(errors), axis=0))
    assert raw[0] > 0.015, "the raw score flatters"
    assert abs(raw[1]) < raw[0] / 2
    assert drawn[1] < 0.8 * drawn[0]


def test_a_winner_among_equals_is_shrunk_and_one_far_ahead_keeps_its_score(of):
    alike = of([0.90, 0.89, 0.885, 0.88, 0.875, 0.87])
    assert 0.87 < alike.score < 0.896
    assert alike.among == 6
    assert alike.noise == pytest.approx(0.0115, abs=0.001)
    assert of([0.95, 0.6, 0.55, 0.5]).score == pytest.approx(0.95, abs=0.001)


def test_more_images_leave_less_to_luck(of):
    scores = [0.90, 0.89, 0.885, 0.88]
    assert of(scores, images=360).score < of(scores, images=5_000).score < 0.9


def test_repeats_tell_the_noise_where_they_differ_by_more_than_the_images_explain(trial, history):
    runs = [trial(n, layers, [score]) for n, (layers, score) in enumerate([(1, 0.9), (2, 0.88), (3, 0.87)])]
    again = [trial(3, 3, [0.77], repeat=1)]
    quiet, loud = (ranked_configs(history(*trials), Goal.MAXIMIZE) for trials in (runs, runs + again))
    before, after = (expected_repeat(ranked, Goal.MAXIMIZE, 360) for ranked in (quiet, loud))
    assert (before.repeats, after.repeats) == (0, 1)
    assert after.noise == pytest.approx(0.1 / 2**0.5)


def test_a_loss_has_no_noise_that_is_known_before_it_is_repeated(trial, history, of):
    assert of([1.2, 1.3, 1.4], images=None, goal=Goal.MINIMIZE) is None
    runs = [trial(n, n + 1, [score]) for n, score in enumerate([1.2, 1.25, 1.3, 1.35])]
    repeated = history(*runs, trial(4, 4, [1.45], repeat=1))
    found = expected_repeat(ranked_configs(repeated, Goal.MINIMIZE), Goal.MINIMIZE)
    assert 1.2 < found.score < 1.3


def test_only_what_trained_as_long_as_the_winner_is_compared(trial, history):
    long = [trial(n, n + 1, [0.5, score]) for n, score in enumerate([0.9, 0.88])]
    short = [trial(2, 3, [0.87])]
    assert expected_repeat(ranked_configs(history(*long, *short), Goal.MAXIMIZE), Goal.MAXIMIZE, 360) is None


def test_scores_that_are_all_equal_stay_what_they_are(of):
    assert of([1.0, 1.0, 1.0]).score == pytest.approx(1.0)


def test_page_and_json_say_the_figure_and_the_method(board, trial, history, spec, printed):
    scores = [0.90, 0.89, 0.885, 0.88]
    found = board(history(*(trial(n, n + 1, [score]) for n, score in enumerate(scores))), spec(), 10)
    found.sweep.meta["valid_images"] = json.dumps([36] * 10)
    said = " ".join(printed(found, width=400).split())
    assert "Expected of a repeat: 88." in said
    assert "to be the best of 4 is partly luck (empirical Bayes; a run's noise is 1.1 points" in said
    assert "by 360 validation images)" in said
    facts = merged(answer(found).values())["expected_repeat"]
    assert (facts["among"], facts["by"]) == (4, "nonparametric empirical Bayes")


def test_final_runs_are_repeats_and_the_better_evidence(board, trial, history, spec, printed):
    search = [trial(n, n + 1, [score]) for n, score in enumerate([0.95, 0.93, 0.92])]
    finals = [
        trial(3 + n, 1, [score], repeat=1 + n, is_final_run=True) for n, score in enumerate([0.9, 0.92])
    ]
    found = board(history(*search, *finals), spec(), 10)
    assert "Expected of a repeat: 91.0 %, the mean of its 2 final runs" in printed(found)
    assert merged(answer(found).values())["expected_repeat"] == {"score": 0.91, "by": "final runs"}
