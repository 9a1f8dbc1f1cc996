import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.results.pareto import (
    Point,
    best_within,
    cheapest_reaching,
    default_floor,
    efficiency,
    front,
    front_of_three,
    hypervolume,
    knee,
    most_efficient,
)

coordinates = st.integers(0, 12).map(lambda n: n / 4)
clouds = st.lists(st.tuples(coordinates, coordinates), max_size=25).map(
    lambda pairs: [Point(number, value, cost) for number, (value, cost) in enumerate(pairs)]
)


def dominates(one: Point, other: Point) -> bool:
    is_as_good = one.value >= other.value and one.cost <= other.cost
    return is_as_good and (one.value, one.cost) != (other.value, other.cost)


@given(clouds)
def test_the_front_is_exactly_what_nothing_dominates(cloud: list[Point]) -> None:
    undominated = {(p.value, p.cost) for p in cloud if not any(dominates(q, p) for q in cloud)}
    assert {(p.value, p.cost) for p in front(cloud)} == undominated


@given(clouds)
def test_along_the_front_more_cost_buys_more_value(cloud: list[Point]) -> None:
    kept = front(cloud)
    assert [p.cost for p in kept] == sorted({p.cost for p in kept})
    assert [p.value for p in kept] == sorted({p.value for p in kept})


@given(clouds, st.randoms())
def test_the_order_of_the_trials_changes_nothing(cloud: list[Point], random: object) -> None:
    shuffled = list(cloud)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert front(shuffled) == front(cloud)
    assert knee(shuffled) == knee(cloud)


@given(clouds, coordinates)
def test_best_within_a_budget_is_affordable_and_unbeaten(cloud: list[Point], budget: float) -> None:
    found = best_within(cloud, budget)
    affordable = [p for p in cloud if p.cost <= budget]
    if found is None:
        assert not affordable
    else:
        assert found in affordable
        assert found.value == max(p.value for p in affordable)


@given(clouds, coordinates)
def test_the_cheapest_that_reaches_a_target_is_the_cheapest(cloud: list[Point], target: float) -> None:
    found = cheapest_reaching(cloud, target)
    reaching = [p for p in cloud if p.value >= target]
    assert (found is None) == (not reaching)
    if found:
        assert found.cost == min(p.cost for p in reaching)


@given(clouds, st.tuples(coordinates, coordinates))
def test_another_point_never_shrinks_the_hypervolume(cloud: list[Point], extra: tuple[float, float]) -> None:
    before = hypervolume(cloud, value=0, cost=4)
    after = hypervolume([*cloud, Point(99, *extra)], value=0, cost=4)
    assert 0 <= before <= after + 1e-12
    assert after <= 3 * 4


def test_the_hypervolume_of_two_steps_is_their_area() -> None:
    steps = [Point(1, 0.5, 1), Point(2, 0.8, 3), Point(3, 0.7, 4)]
    assert hypervolume(steps, value=0, cost=5) == pytest.approx(0.5 * 2 + 0.8 * 2)


def test_of_equal_points_the_earlier_stays() -> None:
    assert front([Point(5, 1, 1), Point(2, 1, 1)]) == [Point(2, 1, 1)]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_takes_part_in_nothing(bad: float) -> None:
    cloud = [Point(1, bad, 1), Point(2, 0.5, bad), Point(3, 0.4, 2)]
    assert front(cloud) == [Point(3, 0.4, 2)]
    assert most_efficient(cloud, chance=0.1, floor=0.2) == Point(3, 0.4, 2)


def test_the_knee_is_where_more_money_stops_to_help() -> None:
    cloud = [Point(1, 0.3, 1), Point(2, 0.9, 2), Point(3, 0.92, 10), Point(4, 0.1, 5)]
    assert knee(cloud) == Point(2, 0.9, 2)


def test_a_front_of_two_or_one_that_bends_the_wrong_way_has_no_knee() -> None:
    assert knee([Point(1, 0.1, 1), Point(2, 0.9, 2)]) is None
    assert knee([Point(1, 0.1, 1), Point(2, 0.2, 9), Point(3, 0.9, 10)]) is None


def test_chance_level_after_a_second_does_not_win_efficiency() -> None:
    useless, useful = Point(1, 0.11, 0.0001), Point(2, 0.9, 1.0)
    assert efficiency(useless, 0.1) > efficiency(useful, 0.1)
    floor = default_floor([useless, useful], 0.1)
    assert floor == pytest.approx(0.82)
    assert most_efficient([useless, useful], chance=0.1, floor=floor) == useful


def test_nothing_above_the_floor_means_no_most_efficient_trial() -> None:
    assert most_efficient([Point(1, 0.3, 1)], chance=0.1, floor=0.5) is None
    assert most_efficient([Point(1, 0.9, 0)], chance=0.1, floor=0.5) is None
    assert default_floor([], 0.2) == 0.2


@given(st.lists(st.tuples(coordinates, coordinates, coordinates), max_size=25))
def test_of_three_axes_only_what_no_other_equals_or_beats_in_all_is_on_the_front(triples):
    cloud = [Point(number, *triple) for number, triple in enumerate(triples)]
    kept = front_of_three(cloud)

    def beats(one: Point, other: Point) -> bool:
        is_as_good = one.value >= other.value and one.cost <= other.cost and one.size <= other.size
        return is_as_good and (one.value, one.cost, one.size) != (other.value, other.cost, other.size)

    expected = {(p.value, p.cost, p.size) for p in cloud if not any(beats(other, p) for other in cloud)}
    assert {(p.value, p.cost, p.size) for p in kept} == expected
    assert len(kept) == len(expected), "of equal points the earliest"


def test_a_point_whose_third_figure_is_unknown_is_on_no_front_of_three():
    assert front_of_three([Point(0, 0.9, 1.0, math.nan), Point(1, 0.5, 2.0, 3.0)]) == [
        Point(1, 0.5, 2.0, 3.0)
    ]
