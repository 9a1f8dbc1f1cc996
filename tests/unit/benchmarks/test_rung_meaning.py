import numpy as np
import pytest
from parts.rung_meaning import beside, kendall, of_rung, regret, spearman

FINAL = np.arange(30.0)


def test_a_rung_that_ranks_like_the_end_says_all():
    assert (spearman(FINAL**3, FINAL), kendall(FINAL**3, FINAL), regret(FINAL**3, FINAL)) == (1.0, 1.0, 0.0)


def test_a_rung_that_ranks_the_other_way_loses_the_best():
    assert (spearman(-FINAL, FINAL), kendall(-FINAL, FINAL)) == (-1.0, -1.0)
    assert regret(-FINAL, FINAL) == 20.0  # the ten lowest go on, of which the best has 9 of 29


def test_a_rung_at_chance_says_nothing():
    assert spearman(np.ones(30), FINAL) == kendall(np.ones(30), FINAL) == 0.0


def test_an_interval_holds_its_value_and_narrows_with_more_configurations():
    random = np.random.default_rng(3)
    few, many = (np.arange(count, dtype=float) for count in (20, 200))
    wide, narrow = (
        of_rung("spearman", final + random.normal(0, len(final) / 3, len(final)), final)
        for final in (few, many)
    )

    assert wide.low <= wide.value <= wide.high
    assert narrow.high - narrow.low < wide.high - wide.low


def test_arms_are_compared_on_the_same_resampled_configurations():
    noisy = FINAL + np.random.default_rng(1).normal(0, 5, 30)

    assert beside("spearman", (noisy, FINAL), (noisy, FINAL)).high == pytest.approx(0)
    assert beside("spearman", (FINAL, FINAL), (noisy, FINAL)).low > 0
