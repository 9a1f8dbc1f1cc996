"""Which finalists get no further seed."""

import pytest

from sweeper.sweep.race import behind
from sweeper.trial import Goal

SURE = {"a": [0.90, 0.91], "b": [0.70, 0.71], "c": [0.895, 0.905]}


def test_who_is_clearly_behind_is_told_apart_and_a_near_tie_is_not():
    assert behind(SURE, Goal.MAXIMIZE) == {"b"}


def test_of_a_loss_the_lowest_leads():
    assert behind({"a": [0.30, 0.31], "b": [0.70, 0.71]}, Goal.MINIMIZE) == {"b"}


def test_seeds_that_scatter_tell_nobody_apart():
    assert behind({"a": [0.95, 0.65], "b": [0.70, 0.71]}, Goal.MAXIMIZE) == frozenset()


def test_few_validation_images_leave_more_to_luck_than_two_seeds_that_agree():
    scores = {"a": [0.80, 0.80], "b": [0.70, 0.70]}
    assert behind(scores, Goal.MAXIMIZE, images=10_000) == {"b"}
    assert behind(scores, Goal.MAXIMIZE, images=50) == frozenset()


@pytest.mark.parametrize("scores", [{}, {"a": [0.5, 0.6]}])
def test_nobody_races_alone(scores):
    assert behind(scores, Goal.MAXIMIZE) == frozenset()
