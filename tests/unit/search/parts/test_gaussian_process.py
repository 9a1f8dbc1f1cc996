import numpy as np
import pytest

from sweeper.search.parts.gaussian_process import (
    Climb,
    GaussianProcess,
    deciding_rung,
    levelled,
    standardized,
)

CURVES = [{1: 0.2, 2: 0.5, 4: 0.6}, {1: 0.3, 2: 0.4, 4: 0.8}, {1: 0.25, 2: 0.3}, {1: 0.1}]
CLIMBS = [Climb.of(curve) for curve in CURVES]


@pytest.mark.parametrize(("least", "rung"), [(1, 4), (2, 4), (3, 2), (4, 1), (5, None)])
def test_the_deciding_rung_is_the_highest_that_enough_trials_have_reached(least, rung):
    assert deciding_rung(CLIMBS, least) == rung


def test_a_trial_that_ended_below_the_rung_is_foretold_by_the_gain_of_those_that_went_on():
    values, is_short = levelled(CLIMBS, 4)
    assert values == pytest.approx([0.6, 0.8, 0.3 + (0.1 + 0.4) / 2, 0.1 + (0.4 + 0.5) / 2])
    assert is_short.tolist() == [False, False, True, True]


def test_what_a_trial_reached_beyond_the_rung_does_not_count():
    values, _ = levelled([Climb.of({1: 0.2, 9: 0.9}), Climb.of({1: 0.3})], 1)
    assert values == pytest.approx([0.2, 0.3])


def test_networks_that_learned_nothing_do_not_hide_the_differences_of_the_good_ones():
    good = [0.80, 0.82, 0.84, 0.86]
    drawn_in = standardized(np.array([*good, 0.81, -50.0]))
    assert drawn_in[3] - drawn_in[0] > 0.3
    assert np.argsort(drawn_in).tolist() == [5, 0, 4, 1, 2, 3]
    assert standardized(np.array([0.5, 0.5])) == pytest.approx([0.0, 0.0])


def test_improvement_is_expected_beside_the_best_and_not_where_a_trial_runs():
    points = np.linspace(0, 1, 9)[:, None]
    values = standardized(-np.abs(points[:, 0] - 0.6))
    is_short = np.zeros(9, dtype=bool)
    alone = GaussianProcess.fitted(points, values, is_short, np.empty((0, 1)))
    places = np.linspace(0, 1, 101)[:, None]
    best = places[np.argmax(alone.improvement(places))]
    assert best[0] == pytest.approx(0.6, abs=0.1)
    beside = GaussianProcess.fitted(points, values, is_short, best[None])
    assert beside.improvement(best[None])[0] < 0.9 * alone.improvement(best[None])[0]
