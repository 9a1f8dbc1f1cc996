import pytest

from sweeper.search import searcher
from sweeper.search.points import complete, value_at
from sweeper.trial import Goal, State, canonical


def test_a_whole_point_is_taken_as_it_is(make_space):
    space = make_space({"layers": {"min": 1, "max": 3}, "filters": {"values": [16, 32], "per": "layers"}})
    point = {"name": "study", "published": 0.97, "layers": 2, "filters": [16, 32]}
    assert complete(point, space, 7, 0) == {"layers": 2, "filters": [16, 32]}


def test_what_a_point_leaves_out_is_drawn_by_seed_and_number(make_space):
    space, point = make_space(), {"architecture": "cnn", "layers": 2}
    first = complete(point, space, 7, 0)
    assert complete(point, space, 7, 0) == first
    others = [complete(point, space, 7, 1), complete(point, space, 8, 0)]
    assert canonical(first) not in [canonical(config) for config in others]
    for config in [first, *others]:
        assert space.contains(config)
        assert (config["architecture"], config["layers"], len(config["filters"])) == ("cnn", 2, 2)


@pytest.mark.parametrize("seed", range(30))
def test_a_point_that_names_a_list_decides_how_long_it_is(make_space, seed):
    """The list says how many layers there are, where the point does not."""
    space = make_space({"layers": {"min": 1, "max": 4}, "filters": {"values": [16, 32], "per": "layers"}})
    assert complete({"filters": [32, 16]}, space, seed, 0) == {"layers": 2, "filters": [32, 16]}


@pytest.mark.parametrize("seed", range(30))
def test_a_point_that_names_a_conditional_parameter_meets_its_condition(make_space, seed):
    config = complete({"backbone": "vgg16"}, make_space(), seed, 0)
    assert (config["architecture"], config["backbone"]) == ("pretrained", "vgg16")


@pytest.mark.parametrize(
    ("name", "value"), [("layers", 2), ("filters.1", 16), ("filters.2", 32), ("kernel", [3, 3])]
)
def test_a_value_of_a_list_is_found_by_its_place(name, value):
    assert value_at({"layers": 2, "filters": [16, 32], "kernel": [3, 3]}, name) == value


def test_the_search_named_points_proposes_nothing_whatever_it_is_told(make_space):
    search = searcher["points"](make_space(), Goal.MAXIMIZE, 7)
    search.register(0, {"layers": 2})
    search.on_report(0, 1, 0.5)
    search.on_complete(0, State.COMPLETED, 0.5)
    assert search.suggest(1) is None


def test_a_sweep_of_points_alone_runs_each_once_and_is_done(make_rig):
    points = [
        {"name": name, "layers": layers, "learning_rate": 1e-3} for name, layers in (("a", 1), ("b", 2))
    ]
    rig = make_rig(search={"algorithm": "points"}, points=points, budget={}, scheduler={"type": "none"})
    sweep = rig.finish()
    assert [(trial.point, trial.config["layers"]) for trial in rig.trials] == [("a", 1), ("b", 2)]
    assert sweep.is_complete


def test_a_sweep_of_points_alone_goes_on_behind_the_point_it_had_reached(make_rig):
    points = [{"name": str(layers), "layers": layers, "learning_rate": 1e-3} for layers in (1, 2, 3)]
    rig = make_rig(search={"algorithm": "points"}, points=points, budget={}, scheduler={"type": "none"})
    first = rig.start()
    while first.id in rig.running:
        rig.step(first.id)
    rig.kill()
    rig.finish()
    assert [trial.point for trial in rig.trials] == ["1", "2", "3"]
    assert [trial.state for trial in rig.trials] == [State.COMPLETED] * 3
