import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.config.parse_parameters import parse_parameter, write_parameter
from sweeper.config.space import Choice, Constant, FloatRange, IntRange, Parameter, Space
from sweeper.errors import SpecError
from sweeper.trial import canonical

NETWORKS = Space({
    "filters": Choice(values=(16, 32), per="layers"),
    "architecture": Choice(values=("cnn", "pretrained")),
    "backbone": Choice(values=("vgg16", "resnet50"), when={"architecture": ["pretrained"]}),
    "layers": IntRange(low=1, high=3, when={"architecture": ["cnn"]}),
    "dropout": FloatRange(low=0.0, high=0.5, step=0.1),
    "pixels": Constant(value=64),
})  # fmt: skip


def chooser(seed: int) -> Callable[[str, Parameter], Any]:
    generator = np.random.default_rng(seed)

    def choose(_: str, parameter: Parameter) -> Any:
        if isinstance(parameter, FloatRange):
            return generator.uniform(parameter.low, parameter.high)
        return parameter.values[int(generator.integers(len(parameter.values)))]

    return choose


def test_a_parameter_is_absent_while_its_condition_is_not_met() -> None:
    for seed in range(50):
        config = NETWORKS.sample(chooser(seed))
        is_cnn = config["architecture"] == "cnn"
        assert ("layers" in config) is is_cnn
        assert ("backbone" in config) is not is_cnn


def test_per_gives_a_list_with_a_value_for_each_and_goes_when_its_parameter_goes() -> None:
    for seed in range(50):
        config = NETWORKS.sample(chooser(seed))
        assert len(config.get("filters", [])) == config.get("layers", 0)
        assert ("filters" in config) is ("layers" in config)


def test_the_chooser_is_asked_by_block_in_order_of_dependence_and_never_for_constants() -> None:
    asked: list[str] = []

    def choose(name: str, parameter: Parameter) -> Any:
        asked.append(name)
        return {"architecture": "cnn", "layers": 2}.get(name, parameter.extremes()[0])

    config = NETWORKS.sample(choose)
    assert sorted(asked) == ["architecture", "dropout", "filters.1", "filters.2", "layers"]
    assert (
        asked.index("architecture")
        < asked.index("layers")
        < asked.index("filters.1")
        < asked.index("filters.2")
    )
    assert list(config) == ["filters", "architecture", "layers", "dropout", "pixels"]


def test_what_a_searcher_proposes_between_the_steps_is_put_on_the_grid() -> None:
    space = Space(
        {"dropout": FloatRange(low=0.0, high=0.5, step=0.1), "width": IntRange(low=8, high=30, step=8)}
    )
    given_values = {"dropout": 0.30000000000000004, "width": 29}
    assert space.sample(lambda name, _: given_values[name]) == {"dropout": 0.3, "width": 24}


@given(seed=st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_whatever_is_sampled_is_contained(seed: int) -> None:
    config = NETWORKS.sample(chooser(seed))
    assert NETWORKS.contains(config)
    for name in config:
        assert not NETWORKS.contains({key: value for key, value in config.items() if key != name})
    assert not NETWORKS.contains({**config, "depth": 3})


NOT_CONTAINED = [
    {"architecture": "cnn", "layers": 2, "filters": [16], "dropout": 0.1, "pixels": 64},
    {"architecture": "cnn", "layers": 2, "filters": [16, 17], "dropout": 0.1, "pixels": 64},
    {"architecture": "cnn", "layers": 4, "filters": [16] * 4, "dropout": 0.1, "pixels": 64},
    {"architecture": "cnn", "layers": True, "filters": [16], "dropout": 0.1, "pixels": 64},
    {"architecture": "cnn", "layers": 1.0, "filters": [16], "dropout": 0.1, "pixels": 64},
    {"architecture": "cnn", "layers": 1, "filters": 16, "dropout": 0.1, "pixels": 64},
    {"architecture": "cnn", "layers": 1, "filters": [16], "dropout": 0.15, "pixels": 64},
    {"architecture": "cnn", "layers": 1, "filters": [16], "dropout": 0.1, "pixels": 32},
    {"architecture": "pretrained", "layers": 1, "filters": [16], "dropout": 0.1, "pixels": 64},
    {"architecture": "pretrained", "backbone": "vgg19", "dropout": 0.1, "pixels": 64},
]


@pytest.mark.parametrize("config", NOT_CONTAINED)
def test_what_could_not_be_sampled_is_not_contained(config: dict[str, Any]) -> None:
    assert not NETWORKS.contains(config)


def test_a_part_of_a_configuration_is_checked_without_missing_the_rest() -> None:
    NETWORKS.check({"layers": 2})
    NETWORKS.check({"filters": [16, 32, 16]})
    with pytest.raises(SpecError, match="found 9, expected a whole number from 1 to 3"):
        NETWORKS.check({"layers": 9})
    with pytest.raises(SpecError, match="exists only when architecture is cnn"):
        NETWORKS.check({"architecture": "pretrained", "layers": 2})


def test_the_grid_holds_every_configuration_once_and_size_counts_them() -> None:
    configs = list(NETWORKS.grid())
    assert NETWORKS.size == len(configs) == 6 * (2 + (2 + 4 + 8))
    assert len({canonical(config) for config in configs}) == len(configs)
    assert all(NETWORKS.contains(config) for config in configs)


def test_the_size_is_counted_without_walking_the_grid() -> None:
    space = Space({
        "layers": IntRange(low=1, high=40),
        "filters": Choice(values=(1, 2, 3, 4), per="layers"),
        "many": IntRange(low=0, high=10**12),
        "rare": Choice(values=("a", "b"), when={"many": [7]}),
    })  # fmt: skip
    assert space.size == sum(4**layers for layers in range(1, 41)) * (10**12 + 1 + 1)


def test_a_continuous_range_makes_the_space_infinite_and_has_no_grid() -> None:
    space = Space({"rate": FloatRange(low=1e-4, high=1e-2, log=True)})
    assert space.size is None
    with pytest.raises(
        SpecError, match=r"parameters\.rate: a continuous range has no grid; give it a step: q"
    ):
        space.grid()


def test_too_many_conditions_to_count_through_are_not_counted() -> None:
    parents = {f"p{i}": Choice(values=(True, False)) for i in range(40)}
    last = Choice(values=(1, 2), when={name: [True] for name in parents})
    assert Space({**parents, "last": last}).size is None


def test_corners_begin_with_the_least_and_the_greatest_and_repeat_nothing() -> None:
    corners = list(NETWORKS.corners())
    assert corners[0] == {"filters": [16], "architecture": "cnn", "layers": 1, "dropout": 0.0, "pixels": 64}
    assert corners[1] == {"architecture": "pretrained", "backbone": "resnet50", "dropout": 0.5, "pixels": 64}
    assert {"filters": [32] * 3, "architecture": "cnn", "layers": 3, "dropout": 0.5, "pixels": 64} in corners
    assert len({canonical(config) for config in corners}) == len(corners) == 2 * 2 + 2 * 2 * 2


def test_corners_of_a_large_space_come_lazily() -> None:
    space = Space({f"p{i}": IntRange(low=0, high=9) for i in range(100)})
    assert len(list(itertools.islice(space.corners(), 5))) == 5


BROKEN = [
    ({"a": Constant(value=1, when={"b": [1]}), "b": Constant(value=1, when={"a": [1]})}, "in a circle: "),
    ({"a": Constant(value=1, when={"a": [1]})}, "in a circle: a -> a"),
    ({"a": Constant(value=1, when={"c": [1]}), "b": Constant(value=1)}, "no parameter is called 'c'"),
    ({"a": Constant(value=1, per="n")}, "there is no other parameter"),
    ({"a": Constant(value=1, per="n"), "n": FloatRange(low=1, high=2, step=1)}, "'n' is not a whole number"),
    ({"a": Constant(value=1, per="n"), "n": Choice(values=(1, 2.5))}, "'n' is not a whole number"),
    ({"a": Constant(value=1, per="n"), "n": IntRange(low=-1, high=2)}, "must stay within 0 and 1000"),
    (
        {"a": Constant(value=1, when={"x": [0.5]}), "x": FloatRange(low=0, high=1)},
        "is a continuous range and",
    ),
    (
        {"a": Constant(value=1, when={"f": [1]}), "f": Constant(value=1, per="n"), "n": Constant(value=2)},
        "'f' is a list (per: n) and cannot be a condition",
    ),
]


@pytest.mark.parametrize(("parameters", "message"), BROKEN, ids=[row[1] for row in BROKEN])
def test_conditions_that_cannot_be_meant_are_refused(parameters: dict[str, Parameter], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Space(parameters)
    assert message in str(caught.value)
    assert caught.value.path.startswith("parameters.")


# (as written, what it means)
GRAMMAR: list[tuple[Any, Parameter]] = [
    (3, Constant(value=3)),
    ("basic", Constant(value="basic")),
    (False, Constant(value=False)),
    ({"value": None}, Constant(value=None)),
    ({"value": [64, 32]}, Constant(value=[64, 32])),
    ({"distribution": "constant", "value": 2.5}, Constant(value=2.5)),
    ([8, 16], Choice(values=(8, 16))),
    ({"values": [True, 1, None, [64, 32]]}, Choice(values=(True, 1, None, [64, 32]))),
    ({"distribution": "categorical", "values": ["a"]}, Choice(values=("a",))),
    ({"min": 1, "max": 5}, IntRange(low=1, high=5)),
    ({"min": 3, "max": 3}, IntRange(low=3, high=3)),
    ({"min": 1, "max": 5, "distribution": "int_uniform"}, IntRange(low=1, high=5)),
    ({"min": 16, "max": 128, "q": 16}, IntRange(low=16, high=128, step=16)),
    (
        {"min": 8, "max": 512, "q": 8, "distribution": "q_log_uniform_values"},
        IntRange(low=8, high=512, step=8, log=True),
    ),
    ({"min": 0.0, "max": 0.5}, FloatRange(low=0.0, high=0.5)),
    ({"min": 0, "max": 0.5}, FloatRange(low=0.0, high=0.5)),
    ({"min": 0, "max": 1, "distribution": "uniform"}, FloatRange(low=0.0, high=1.0)),
    ({"min": 0.0, "max": 0.5, "q": 0.1}, FloatRange(low=0.0, high=0.5, step=0.1)),
    ({"min": 0, "max": 1, "q": 0.25, "distribution": "q_uniform"}, FloatRange(low=0.0, high=1.0, step=0.25)),
    ({"min": 0.1, "max": 9.0, "distribution": "log_uniform_values"}, FloatRange(low=0.1, high=9.0, log=True)),
    ({"value": 1, "when": {"a": "x", "b": [1, 2]}}, Constant(value=1, when={"a": ["x"], "b": [1, 2]})),
    ({"values": [1, 2], "per": "layers"}, Choice(values=(1, 2), per="layers")),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "parameter"), GRAMMAR, ids=[str(row[0]) for row in GRAMMAR])
def test_the_grammar_of_sweeps_is_understood_and_written_back(raw: object, parameter: Parameter) -> None:
    parsed = parse_parameter(raw)
    assert parsed == parameter
    assert type(parsed) is type(parameter)
    assert parse_parameter(write_parameter(parsed)) == parsed


VALUES = [
    (FloatRange(low=0.0, high=0.5, step=0.1), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
    (FloatRange(low=0.0, high=0.25, step=0.1), [0.0, 0.1, 0.2]),
    (IntRange(low=8, high=30, step=8), [8, 16, 24]),
    (Constant(value=3), [3]),
]


@pytest.mark.parametrize(("parameter", "values"), VALUES)
def test_the_values_of_a_stepped_range_read_as_they_were_meant(
    parameter: Parameter, values: list[Any]
) -> None:
    assert list(parameter.values) == values
    assert all(parameter.accepts(value) for value in values)
    assert [parameter.snap(value) for value in values] == values


def test_a_proposal_beyond_the_range_is_put_at_its_end() -> None:
    assert FloatRange(low=0.0, high=1.0).snap(1.5) == 1.0
    assert IntRange(low=1, high=5).snap(9) == 5
    assert Choice(values=((1, 2),)).snap([1, 2]) == [1, 2]
