import pytest

from sweeper.config.parameter import Choice, Constant, FloatRange, IntRange
from sweeper.results.edges import edges

RATE = FloatRange(low=1e-3, high=1e-1, log=True)


def found(parameter, values, name="p"):
    return edges({name: parameter}, [{name: value} for value in values])


def test_the_best_at_the_upper_end_ask_for_half_of_the_range_more():
    (edge,) = found(RATE, [0.09, 0.08, 0.095, 0.1, *[0.01] * 8])
    assert (edge.parameter, edge.is_upper, edge.count) == ("p", True, 4)
    assert edge.beyond == pytest.approx(1.0, rel=0.01), "on a logarithmic scale: two decades more by one"
    assert "greatest values searched (0.08 to 0.1)" in edge.said


def test_one_of_the_best_in_the_middle_is_no_edge():
    assert found(RATE, [0.09, 0.08, 0.01, 0.1, *[0.09] * 8]) == []


def test_few_configurations_have_no_edge():
    assert found(RATE, [0.1] * 9) == []
    assert found(RATE, [0.1] * 10) != []


def test_two_values_are_often_equal_by_chance():
    assert found(Choice(values=(8, 16)), [16] * 12) == []
    (edge,) = found(Choice(values=(8, 16, 24)), [24] * 12)
    assert edge.beyond == 32


@pytest.mark.parametrize(
    ("values", "further"),
    [((16, 32, 64), 128), ((32, 48, 64), 80), ((0.1, 0.2, 0.4), 0.8), ((64, 32, 16), 128)],
)
def test_a_choice_of_numbers_goes_on_by_its_own_progression(values, further):
    (edge,) = found(Choice(values=values), [max(values)] * 12)
    assert edge.beyond == further
    assert edge.wider.values == (*values, further)


def test_names_and_mixed_values_have_no_edge():
    assert found(Choice(values=("adamw", "sgd", "muon")), ["sgd"] * 12) == []
    assert found(Choice(values=(16, 32, "auto")), [32] * 12) == []
    assert found(Constant(value=3), [3] * 12) == []


def test_what_cannot_be_less_than_nothing_has_no_lower_edge():
    assert found(FloatRange(low=0.0, high=0.5), [0.0] * 12) == []
    assert found(FloatRange(low=0.0, high=0.5, step=0.1), [0.0] * 12) == []
    assert found(IntRange(low=1, high=5), [1] * 12) == []
    (edge,) = found(FloatRange(low=0.2, high=0.6), [0.2] * 12)
    assert edge.beyond == pytest.approx(0.0), "half of the range would be 0.2 less: exactly nothing"


def test_a_share_stays_below_one():
    (edge,) = found(FloatRange(low=0.5, high=0.9), [0.9] * 12)
    assert edge.beyond == pytest.approx(0.95)


def test_whole_numbers_go_on_by_whole_steps():
    (edge,) = found(IntRange(low=2, high=6, step=2), [6] * 12)
    assert edge.beyond == 8


def test_a_list_counts_with_each_of_its_values():
    per = FloatRange(low=1e-3, high=1e-1, log=True, per="layers")
    assert found(per, [[0.1, 0.1]] * 12) != []
    assert found(per, [[0.1, 0.01]] * 12) == []
