import numpy as np

from sweeper.search.parts.complementing import complementing


def test_the_second_member_is_good_where_the_first_is_not():
    regrets = np.array([[0.0, 1.4], [0.1, 1.4], [1.4, 0.1], [1.0, 1.0]])

    assert complementing(regrets, np.ones(4), 2) == [0, 2]


def test_of_equal_gains_the_cheaper_is_complementing():
    regrets = np.array([[0.2, 0.2], [0.2, 0.2]])

    assert complementing(regrets, np.array([2.0, 1.0]), 1) == [1]


def test_no_member_is_chosen_twice_and_all_places_are_filled():
    regrets = np.array([[0.0, 0.0], [1.0, 1.1], [1.0, 1.0]])

    assert complementing(regrets, np.ones(3), 3) == [0, 2, 1]


def test_what_is_chosen_already_comes_first_and_is_complemented():
    regrets = np.array([[0.0, 1.4], [0.1, 1.4], [1.4, 0.1], [1.0, 1.0]])

    assert complementing(regrets, np.ones(4), 3, first=[1]) == [1, 2, 0]
