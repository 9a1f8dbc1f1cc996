"""The parts of the advice, on sweeps whose trials are written down."""

import pytest

from sweeper.config.spec import restore_spec
from sweeper.results.foreseeable import foreseeable
from sweeper.results.influence import Judged, influence
from sweeper.results.rung_ranks import rung_ranks
from sweeper.trial import State


def test_trials_are_judged_at_the_last_epoch_that_enough_of_them_reached(board, history, trial, spec):
    full = [trial(n, n, [0.1, 0.2, 0.3 + n / 100]) for n in range(1, 11)]
    stopped = [trial(n, n, [n / 100], state=State.STOPPED) for n in range(11, 31)]
    seen = influence(board(history(*full, *stopped), spec()).sweep)
    assert (seen.epoch, len(seen.judged), seen.trials) == (1, 30, 30), (
        "only 10 went further, 20 are asked for"
    )
    assert {each.score for each in seen.judged if each.number <= 10} == {0.1}, (
        "their later scores do not count"
    )


def test_repeats_and_final_runs_are_not_judged(board, history, trial, spec):
    trials = [trial(n, n, [0.5]) for n in range(1, 5)]
    again = [trial(5, 1, [0.9], repeat=1), trial(6, 1, [0.9], is_final_run=True)]
    assert {each.number for each in influence(board(history(*trials, *again), spec()).sweep).judged} == {
        1,
        2,
        3,
        4,
    }


def test_a_sweep_without_reports_has_nothing_to_judge(board, history, trial, spec):
    seen = influence(board(history(trial(1, 1, [])), spec()).sweep)
    assert (seen.epoch, list(seen.judged), seen.on_score) == (0, [], [])


def curves(trial, ends):
    """Trials whose score at epoch 1 is that of their number, and whose end is given."""
    return [trial(n, n, [n / 100, 0.2, end]) for n, end in enumerate(ends, 1)]


@pytest.fixture
def laddered(spec):
    made = spec()
    return made.model_copy(
        update={
            "train": made.train.model_copy(update={"epochs": 3}),
            "scheduler": type(made.scheduler)(type="asha", grace=1, reduction_factor=2),
        }
    )


def test_a_rung_that_ranks_as_the_end_does_is_told_so(board, history, trial, laddered):
    alike = history(*curves(trial, [0.3 + n / 100 for n in range(8)]))
    first, *_ = rung_ranks(board(alike, laddered).sweep)
    assert (first.level, first.trials, first.correlation) == (1, 8, pytest.approx(1.0))
    assert not first.says_little


def test_a_rung_that_ranks_the_other_way_says_little(board, history, trial, laddered):
    turned = history(*curves(trial, [0.6 - n / 100 for n in range(12)]))
    first, *_ = rung_ranks(board(turned, laddered).sweep)
    assert first.correlation == pytest.approx(-1.0)
    assert first.says_little


def test_few_full_trials_say_nothing_of_a_rung(board, history, trial, laddered):
    assert rung_ranks(board(history(*curves(trial, [0.3] * 5)), laddered).sweep) == []


def test_device_time_of_failures_and_of_guesses_is_counted(board, history, trial, spec):
    trials = [
        trial(1, 1, [0.5], 100.0),
        trial(2, 2, [0.1], 300.0),
        trial(3, 3, [], 100.0, state=State.FAILED),
    ]
    found = foreseeable(board(history(*trials), spec()).sweep, [], chance=0.1)
    assert (found.failed, found.guessing, found.billed) == ((1, 100.0), (1, 300.0), 500.0)
    assert list(found.lines()) == [
        "20 % of the device time went to 1 trial that failed",
        "60 % of the device time went to 1 trial that never beat a guess",
    ]


def test_a_value_that_always_loses_is_named_and_one_that_wins_once_is_not(board, history, trial, spec):
    searched = {"parameters": {"optimizer": ["adamw", "sgd"], "fixed": 1}}
    chosen = restore_spec(spec().resolved() | searched, name="here")
    sweep = board(history(*[trial(n, n, [0.5]) for n in range(12)]), chosen).sweep
    scores = [0.6 + n / 100 for n in range(6)] + [0.1 + n / 100 for n in range(6)]
    configs = [{"optimizer": "adamw", "fixed": 1}] * 6 + [{"optimizer": "sgd", "fixed": 1}] * 6
    judged = [
        Judged(n, config, score, 1.0) for n, (config, score) in enumerate(zip(configs, scores, strict=True))
    ]
    (losing,) = foreseeable(sweep, judged, None).losing
    assert (losing.parameter, losing.value, losing.trials) == ("optimizer", "sgd", 6)
    lucky = [*judged[:-1], Judged(11, configs[-1], 0.9, 1.0)]
    assert foreseeable(sweep, lucky, None).losing == []
