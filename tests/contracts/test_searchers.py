"""What every search algorithm keeps to, whoever adds it."""

import inspect
import json
import math

import pytest

from sweeper.config.spec import parse_spec
from sweeper.search import searcher
from sweeper.trial import Goal, State, canonical

NEEDS = {"optuna": {"sampler": "RandomSampler"}}
OURS = [name for name in searcher if inspect.getmodule(searcher[name]).__name__.startswith("sweeper.")]
NAMES = [name for name in OURS if name != "points"]  # which proposes nothing, and says so
SPACE = {
    "architecture": {"values": ["cnn", "vgg"]},
    "layers": {"min": 1, "max": 3, "when": {"architecture": "cnn"}},
    "filters": {"values": [16, 32], "per": "layers"},
    "dropout": {"min": 0.0, "max": 0.5, "q": 0.1},
}


def space():
    return parse_spec(json.dumps({"name": "s", "dataset": {"source": "digits"}, "parameters": SPACE})).space


def build(name, goal=Goal.MAXIMIZE, seed=3):
    return searcher[name](space(), goal, seed, **NEEDS.get(name, {}))


def drive(search, numbers, states=(State.COMPLETED,)):
    configs = []
    for number in numbers:
        config = search.suggest(number)
        configs.append(config)
        score = len(canonical(config)) / 100
        search.on_report(number, 1, score / 2)
        state = states[number % len(states)]
        search.on_complete(number, state, score if state in (State.COMPLETED, State.STOPPED) else None, 1.0)
    return configs


@pytest.mark.parametrize("name", NAMES)
def test_every_proposal_can_be_run_and_written_down(name):
    for config in drive(build(name), range(25), list(State)):
        assert space().contains(config)
        assert json.loads(canonical(config)) == config
        assert all(math.isfinite(v) for v in config.values() if isinstance(v, float))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_and_results_give_the_same_proposals(name):
    assert drive(build(name), range(15)) == drive(build(name), range(15))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grid"])
def test_another_seed_gives_other_proposals(name):
    assert drive(build(name, seed=1), range(5)) != drive(build(name, seed=2), range(5))


@pytest.mark.parametrize("name", NAMES)
def test_a_search_that_is_told_the_record_goes_on_as_the_live_one(name):
    first, second = build(name), build(name)
    count = 12 if name == "grid" else 45  # NSGA-II: more than two generations
    configs = drive(first, range(count))
    for number, config in enumerate(configs):
        second.register(number, config)
        score = len(canonical(config)) / 100
        second.on_report(number, 1, score / 2)
        second.on_complete(number, State.COMPLETED, score, 1.0)
    assert first.suggest(count) == second.suggest(count)


@pytest.mark.parametrize("name", NAMES)
def test_words_about_trials_that_it_never_heard_of_are_passed_over(name):
    search = build(name)
    search.on_report(5, 1, 0.5)
    search.on_complete(5, State.COMPLETED, 0.5)
    search.on_complete(6, State.INFEASIBLE, None)
    assert search.suggest(0) is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_trial_may_end_in_any_state_with_or_without_a_score(name):
    search = build(name)
    for number, state in enumerate(State):
        search.suggest(number)
        search.on_complete(number, state, 0.5 if number % 2 else None)
    assert search.suggest(99) is not None
