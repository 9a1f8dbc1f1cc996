import pytest

from sweeper.search.parts.memory import Memory
from sweeper.trial import Goal, State

CONFIG = {"layers": 2}


def fill(memory, results, start=0, state=State.COMPLETED):
    for number, score in enumerate(results, start):
        memory.enter(number, CONFIG)
        memory.add(number, 1, score)
        memory.close(number, state, score, 1.0)


def numbers(memory):
    return [heard.number for heard in memory.shown()]


def test_everything_is_shown_while_there_is_room():
    memory = Memory(Goal.MAXIMIZE, 20)
    fill(memory, [0.5] * 20)
    memory.enter(20, CONFIG)
    assert numbers(memory) == list(range(21))


@pytest.mark.parametrize(("goal", "sign"), [(Goal.MAXIMIZE, 1), (Goal.MINIMIZE, -1)])
def test_beyond_it_the_best_quarter_and_the_newest_are_shown(goal, sign):
    memory = Memory(goal, 20)
    fill(memory, [sign * (1 - number / 100) for number in range(60)])
    assert numbers(memory) == [0, 1, 2, 3, 4, *range(45, 60)]


def test_a_trial_that_was_trained_in_full_is_better_than_one_that_was_stopped():
    memory = Memory(Goal.MAXIMIZE, 20)
    fill(memory, [0.1] * 5)
    fill(memory, [0.9] * 60, start=5, state=State.STOPPED)
    assert numbers(memory)[:5] == [0, 1, 2, 3, 4]


def test_one_that_got_further_before_it_was_stopped_is_better():
    memory = Memory(Goal.MAXIMIZE, 20)
    fill(memory, [0.1] * 60, state=State.STOPPED)
    memory.add(7, 6, 0.05)
    memory.close(7, State.STOPPED, 0.1, 6.0)
    assert numbers(memory)[0] == 0, "of equals the earlier"
    fill(memory, [0.9] * 4, start=60, state=State.STOPPED)
    assert 7 in numbers(memory)


def test_no_more_running_trials_are_shown_than_finished_ones():
    memory = Memory(Goal.MAXIMIZE, 20)
    for number in range(1000):
        memory.enter(number, CONFIG)
    assert numbers(memory) == list(range(980, 1000))


def test_a_promoted_trial_is_never_counted_as_running_again():
    memory = Memory(Goal.MAXIMIZE, 20)
    fill(memory, [0.5], state=State.STOPPED)
    memory.add(0, 2, 0.7)
    heard = memory.shown()[0]
    assert (heard.state, heard.scores) == (State.STOPPED, {1: 0.5, 2: 0.7})


def test_a_configuration_that_cannot_be_trained_stays_known_when_another_is_drawn_for_the_trial():
    memory = Memory(Goal.MAXIMIZE, 20)
    for layers in (8, 9):
        memory.enter(0, {"layers": layers})
        memory.close(0, State.INFEASIBLE, None, 0.0)
    memory.enter(0, CONFIG)
    shown = memory.shown()
    assert sorted(h.config["layers"] for h in shown if h.state is State.INFEASIBLE) == [8, 9]
    assert [h.config for h in shown if h.state is State.RUNNING] == [CONFIG]


def test_a_result_that_was_known_already_counts_once():
    memory = Memory(Goal.MAXIMIZE, 20)
    fill(memory, [0.5])
    fill(memory, [0.5], start=1)
    memory.enter(1, {"layers": 3})
    assert [(h.number, h.state) for h in memory.shown()] == [(0, State.COMPLETED), (1, State.RUNNING)]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_crash_is_forgotten(state):
    memory = Memory(Goal.MAXIMIZE, 20)
    memory.enter(0, CONFIG)
    memory.close(0, state, 0.5, 1.0)
    assert memory.shown() == []
