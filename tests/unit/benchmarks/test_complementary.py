import numpy as np
from parts.complementary import Ground, left_out, regret_after, regret_at_random

from sweeper.search.parts.complementing import WORST


def ground(scores, seconds=None) -> Ground:
    return Ground(np.array(scores, float), np.ones(len(scores)) if seconds is None else np.array(seconds))


def test_sets_of_the_same_images_do_not_choose_for_each_other():
    grounds = {"a": ground([1, 0, 0.5]), "a half": ground([1, 0, 0.5]), "b": ground([0, 1, 0.5])}
    families = {"a": "a", "a half": "a", "b": "b"}

    assert left_out(grounds, families, "a", 1) == [1]
    assert left_out(grounds, families, "b", 1) == [0]


def test_a_training_counts_when_it_has_ended():
    slow_and_good = ground([0.9, 0.5, 0.1], [4.0, 1.0, 1.0])

    assert regret_after(slow_and_good, [1, 0], 0.4) == WORST
    assert regret_after(slow_and_good, [1, 0], 0.5) == 1.0
    assert regret_after(slow_and_good, [1, 0], 2.5) == 0.0


def test_random_order_behind_a_perfect_first_has_no_regret():
    easy = ground(np.linspace(0, 1, 20))

    assert regret_at_random(easy, 3.0, first=[19]) == 0.0
    assert regret_at_random(easy, 3.0) > 0.1
