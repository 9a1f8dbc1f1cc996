import json
import math

import pytest

from sweeper.config.sections import StopWhenSpec
from sweeper.results.anytime import advice_text, anytime, last_tenth_text, spent_until
from sweeper.trial import Goal, State


def curve(found):
    return [(step.device_seconds, step.score) for step in found.steps]


def test_the_curve_rises_with_the_best_score_and_ends_with_the_spend(trial, history, spec):
    scores = [[0.2], [0.1], [0.5, 0.4], [], [0.3]]
    sweep = history(*(trial(number, number, each, 10) for number, each in enumerate(scores)))
    assert curve(anytime(sweep, spec().objective)) == [(10, 0.2), (30, 0.5), (50, 0.5)]


def test_a_loss_falls(trial, history, spec):
    sweep = history(*(trial(number, number, [score], 10) for number, score in enumerate([0.4, 0.6, 0.1])))
    objective = spec(metric="valid/loss").objective
    found = anytime(sweep, objective)
    assert curve(found) == [(10, 0.4), (30, 0.1)]
    assert found.last_tenth == pytest.approx(0.3)
    assert found.worth == pytest.approx(0.001), "a hundredth of the best"


def test_a_trial_under_way_counts_with_what_it_cost_and_reached(trial, history, spec):
    running = trial(1, 1, [0.6], 30, state=State.RUNNING)
    found = anytime(history(trial(0, 0, [0.2], 10), running), spec().objective)
    assert curve(found) == [(10, 0.2), (40, 0.6)]


def test_money_is_known_only_where_every_price_is(trial, history, spec):
    dear = trial(0, 0, [0.2], 3600, usd_per_hour=2.0)
    found = anytime(history(dear, trial(1, 1, [0.3], 3600)), spec().objective)
    assert [step.usd for step in found.steps] == [2.0, None]


def test_the_last_tenth_is_what_the_last_of_the_spend_brought(trial, history, spec):
    late = history(*(trial(number, number, [0.5 + 0.01 * number], 10) for number in range(20)))
    assert anytime(late, spec().objective).last_tenth == pytest.approx(0.02)
    early = history(*(trial(number, number, [0.9 - 0.01 * number], 10) for number in range(20)))
    assert anytime(early, spec().objective).last_tenth == 0


def test_final_runs_are_spent_but_are_no_part_of_the_search(trial, history, spec):
    search = [trial(number, number, [0.5 + 0.01 * number], 10) for number in range(20)]
    finals = [trial(20 + n, 19, [0.6], 100, repeat=1 + n, is_final_run=True) for n in range(3)]
    found = anytime(history(*search, *finals), spec().objective)
    assert found.steps[-1].device_seconds == 500
    assert found.searched.device_seconds == 200
    assert found.last_tenth == pytest.approx(0.02)
    assert found.gain == anytime(history(*search), spec().objective).gain


SCORES = {
    "stop": [0.8] * 40,
    "go on": [0.01 * number for number in range(40)],
    "open": [0.8 - 0.005 * (7 * (number + 12) % 40) for number in range(40)],
    "unknown": [0.1, 0.2],
}
WORDS = {
    "stop": "yes: another 25 %",
    "go on": "no: another 25 %",
    "open": "hard to say",
    "unknown": "nobody can",
}


@pytest.mark.parametrize("advice", SCORES)
def test_the_advice_follows_the_interval(trial, history, spec, advice):
    sweep = history(*(trial(number, number, [score], 10) for number, score in enumerate(SCORES[advice])))
    found = anytime(sweep, spec().objective)
    assert found.advice == advice
    assert advice_text("valid/top1", found).startswith(WORDS[advice])
    json.dumps(found.as_dict(), allow_nan=False)


def test_stop_when_sets_what_is_worth_it_and_how_far_ahead(trial, history, spec):
    sweep = history(*(trial(number, number, [0.01 * number], 10) for number in range(40)))
    found = anytime(sweep, spec().objective, StopWhenSpec(gain=0.5, ahead=0.5))
    assert (found.worth, found.ahead, found.advice) == (0.5, 0.5, "stop")


def test_no_gain_is_promised_beyond_a_hundred_per_cent(trial, history, spec):
    sweep = history(*(trial(number, number, [1 - 0.9**number], 10) for number in range(9)))
    found = anytime(sweep, spec().objective)
    assert found.gain.high <= 1 - found.steps[-1].score + 1e-12


def test_without_a_score_there_is_no_curve_and_nobody_can_tell(trial, history, spec):
    found = anytime(history(trial(0, 0, [math.nan], 10)), spec().objective)
    assert (found.steps, found.last_tenth, found.advice) == ((), None, "unknown")
    assert last_tenth_text("valid/top1", found) == "no score yet"
    assert found.as_dict()["interval"] == [None, None]


def test_what_was_spent_until_a_score_is_read_from_the_curve(trial, history, spec):
    sweep = history(*(trial(number, number, [score], 10) for number, score in enumerate([0.2, 0.5, 0.4])))
    steps = anytime(sweep, spec().objective).steps
    assert spent_until(steps, 0.3, Goal.MAXIMIZE).device_seconds == 20
    assert spent_until(steps, 0.6, Goal.MAXIMIZE) is None
    assert spent_until((), 0.6, Goal.MAXIMIZE) is None
