import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.config.parameter import Choice, Constant, FloatRange, IntRange
from sweeper.search import searcher
from sweeper.search.random import draw
from sweeper.trial import Goal, State, canonical

DRAWS = 4000


def generator():
    return np.random.default_rng(7)


def test_a_proposal_is_a_function_of_the_seed_and_the_number_alone(make_space):
    space = make_space()
    first, second = searcher["random"](space, Goal.MAXIMIZE, 3), searcher["random"](space, Goal.MAXIMIZE, 3)
    wanted = [first.suggest(number) for number in range(20)]
    for number in reversed(range(20)):
        second.on_report(number, 1, 0.5)
        second.register(99, {})
        second.on_complete(99, State.COMPLETED, 0.5)
        assert second.suggest(number) == wanted[number]
    assert searcher["random"](space, Goal.MAXIMIZE, 4).suggest(0) != wanted[0]


def test_drawing_the_same_number_again_gives_another_configuration(make_space):
    random = searcher["random"](make_space(), Goal.MAXIMIZE, 3)
    assert len({canonical(random.suggest(0)) for _ in range(20)}) > 15


@settings(max_examples=40, deadline=None)
@given(low=st.floats(1e-8, 1e3), factor=st.floats(1.0, 1e6), log=st.booleans(), seed=st.integers(0, 2**32))
def test_a_float_lies_in_its_range(low, factor, log, seed):
    parameter = FloatRange(low=low, high=low * factor, log=log)
    for _ in range(20):
        value = draw(parameter, np.random.default_rng(seed))
        assert low * (1 - 1e-12) <= value <= low * factor * (1 + 1e-12)


@settings(max_examples=60, deadline=None)
@given(low=st.integers(1, 1000), width=st.integers(0, 1000), log=st.booleans(), seed=st.integers(0, 2**32))
def test_a_whole_number_lies_in_its_range(low, width, log, seed):
    parameter = IntRange(low=low, high=low + width, log=log)
    random = np.random.default_rng(seed)
    for _ in range(20):
        value = draw(parameter, random)
        assert isinstance(value, int)
        assert low <= value <= low + width


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (IntRange(low=1, high=5), [1, 2, 3, 4, 5]),
        (IntRange(low=0, high=10, step=5), [0, 5, 10]),
        (IntRange(low=0, high=11, step=5), [0, 5, 10]),
        (FloatRange(low=0.0, high=0.5, step=0.1), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (FloatRange(low=0.0, high=0.7, step=0.2), [0.0, 0.2, 0.4, 0.6]),
        (FloatRange(low=0.0, high=0.5, step=0.3), [0.0, 0.3]),
        (Choice(values=("a", "b", None, True)), ["a", "b", None, True]),
        (Constant(value=3), [3]),
    ],
)
def test_every_value_of_a_finite_parameter_is_as_likely_as_the_others(parameter, values):
    random = generator()
    drawn = Counter(parameter.snap(draw(parameter, random)) for _ in range(DRAWS))
    assert drawn.keys() == set(values)
    expected = DRAWS / len(values)
    assert all(abs(count - expected) < 5 * math.sqrt(expected) for count in drawn.values()), drawn


def test_a_logarithmic_float_has_as_many_draws_in_each_decade():
    parameter, random = FloatRange(low=1e-4, high=1e-1, log=True), generator()
    decades = Counter(math.floor(math.log10(draw(parameter, random))) for _ in range(DRAWS))
    assert decades.keys() == {-4, -3, -2}
    assert all(abs(count - DRAWS / 3) < 5 * math.sqrt(DRAWS / 3) for count in decades.values())


def test_a_logarithmic_whole_number_reaches_both_ends():
    parameter, random = IntRange(low=1, high=64, log=True), generator()
    drawn = Counter(draw(parameter, random) for _ in range(DRAWS))
    assert {1, 64} <= drawn.keys()
    assert drawn[1] > 5 * drawn[32]
