import pytest

from sweeper.errors import SpecError
from sweeper.search import searcher
from sweeper.trial import Goal, State, canonical

SPACE = {
    "architecture": {"values": ["cnn", "vgg"]},
    "layers": {"min": 1, "max": 2, "when": {"architecture": "cnn"}},
    "filters": {"values": [16, 32], "per": "layers"},
}


def walk(grid):
    return [canonical(config) for config in iter(lambda: grid.suggest(0), None)]


def test_every_configuration_comes_once_in_the_order_of_the_file(make_space):
    space = make_space(SPACE)
    found = walk(searcher["grid"](space, Goal.MAXIMIZE, 0))
    assert found == [canonical(config) for config in space.grid()]
    assert len(found) == len(set(found)) == space.size == 2 + 4 + 1


def test_what_the_record_or_a_point_has_run_is_left_out(make_space):
    space = make_space(SPACE)
    grid, configs = searcher["grid"](space, Goal.MAXIMIZE, 0), list(space.grid())
    for number, config in enumerate(configs[1:4]):
        grid.register(number, config)
        grid.on_complete(number, State.COMPLETED, 0.5)
    assert walk(grid) == [canonical(config) for config in [configs[0], *configs[4:]]]


def test_a_grid_that_is_over_stays_over(make_space):
    grid = searcher["grid"](make_space(SPACE), Goal.MAXIMIZE, 0)
    walk(grid)
    assert grid.suggest(99) is None


def test_a_continuous_range_has_no_grid_and_the_message_says_what_to_add(make_space):
    space = make_space({"learning_rate": {"min": 0.1, "max": 0.2}})
    with pytest.raises(SpecError, match=r"parameters.learning_rate: a continuous range has no grid; .*q"):
        searcher["grid"](space, Goal.MAXIMIZE, 0)
