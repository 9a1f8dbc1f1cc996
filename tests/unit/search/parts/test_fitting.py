import numpy as np
import pytest

from sweeper.config.spec import parse_spec
from sweeper.search.parts.fitting import fit, nearest_value

FIXED = {"architecture": "cnn", "optimizer": "adamw"}
MEMBER = {"layers": 3, "filters": [16, 24, 48], "learning_rate": 0.01, "optimizer": "adamw", "dropout": 0.13}


def space(**parameters):
    written = {
        "name": "x",
        "dataset": {"source": "digits"},
        "parameters": parameters,
        "budget": {"trials": 1},
    }
    return parse_spec(str(written).replace("True", "true")).space


def fitted(member, **parameters):
    return fit("a", member, space(**parameters), FIXED, np.random.default_rng(0))


LAYERS = {"min": 1, "max": 3}
FILTERS = {"values": [16, 32, 64], "per": "layers"}
RATE = {"distribution": "log_uniform_values", "min": 1e-3, "max": 3e-2}


def test_a_member_takes_the_nearest_values_and_says_so():
    found = fitted(
        MEMBER, layers=LAYERS, filters=FILTERS, dropout={"min": 0.0, "max": 0.4, "q": 0.1}, learning_rate=RATE
    )

    assert found.config == {"layers": 3, "filters": [16, 32, 64], "dropout": 0.1, "learning_rate": 0.01}
    assert found.changes == ("filters 16-24-48 -> 16-32-64", "dropout 0.13 -> 0.1")
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("parameter", "value", "nearest"),
    [
        ({"values": [8, 32]}, 17, 32),
        ({"values": [0, 32]}, 17, 32),
        ({"values": [0, 40]}, 17, 0),
        ({"min": 1, "max": 9, "q": 2, "distribution": "q_uniform"}, 6.2, 7),
        ({"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2}, 1.0, 1e-2),
        ({"distribution": "q_log_uniform_values", "min": 16, "max": 512, "q": 16}, 23, 32),
        ({"values": ["relu", "gelu"]}, "gelu", "gelu"),
        ({"values": ["relu", "elu"]}, "gelu", None),
        ({"values": [False, True]}, True, True),
        ({"values": [0, 1]}, True, None),
        ({"values": [[8, 16], [16, 32]]}, [16, 32], [16, 32]),
        ({"value": 5}, 3, 5),
    ],
)
def test_nearest_is_by_logarithm_where_the_range_is_and_on_the_grid(parameter, value, nearest):
    assert nearest_value(space(x=parameter).parameters["x"], value) == nearest


def test_a_list_gets_as_many_values_as_there_are_blocks():
    deeper = fitted({"layers": 2, "filters": [16, 32]}, layers={"min": 3, "max": 4}, filters=FILTERS)

    assert deeper.config == {"layers": 3, "filters": [16, 32, 32]}


def test_a_list_becomes_one_number_where_the_space_has_one():
    assert fitted({"filters": [16, 64]}, filters=[16, 32, 64]).config == {"filters": 32}


def test_conditions_hold_in_what_comes_out():
    residual = {"values": [False, True], "when": {"convs_per_block": 2}}
    member = {"convs_per_block": 1, "residual": True}

    assert fitted(member, convs_per_block=[1, 2], residual=residual).config == {"convs_per_block": 1}


def test_what_the_member_does_not_say_is_drawn_and_named():
    found = fitted({"layers": 2}, layers=LAYERS, kernel=[3, 5], activation=["relu", "elu"])

    assert found.drawn == ("kernel", "activation")
    assert found.config["kernel"] in (3, 5)


def test_a_name_that_is_not_searched_is_drawn_and_counts_as_changed():
    found = fitted({"layers": 2, "activation": "gelu"}, layers=LAYERS, activation=["elu"])

    assert found.changes == ("activation gelu -> elu",)


def test_what_the_space_lacks_is_left_out_and_named():
    found = fitted({"layers": 2, "ema": 0.9}, layers=LAYERS)

    assert (found.config, found.left_out) == ({"layers": 2}, ("ema",))


def test_a_value_that_the_file_fixes_wins():
    assert fitted(MEMBER, layers=LAYERS, learning_rate=0.5).config == {"layers": 3, "learning_rate": 0.5}


@pytest.mark.parametrize(
    ("member", "parameters", "why"),
    [
        ({"optimizer": "muon"}, {"layers": LAYERS}, "optimizer is adamw here, not muon"),
        ({"optimizer": "muon"}, {"optimizer": ["sgd", "adamw"]}, "optimizer muon is not searched"),
        ({"architecture": "pretrained"}, {"layers": LAYERS}, "architecture is cnn here, not pretrained"),
        ({"learning_rate": 0.07}, {"learning_rate": RATE}, "learning_rate 0.07 is far from 0.001 to 0.03"),
        ({"layers": 7}, {"layers": LAYERS}, "layers 7 is far from 1 to 3"),
    ],
)
def test_a_member_whose_essence_lies_outside_is_left_out(member, parameters, why):
    assert fitted(member, **parameters).unfit == why


def test_a_rate_a_little_outside_is_brought_in():
    assert fitted({"learning_rate": 0.05}, learning_rate=RATE).config == {"learning_rate": 0.03}


def test_pixels_may_be_a_share_of_the_largest():
    found = fitted({"pixels": 0.75}, pixels=[32, 48, 64])

    assert (found.config, found.changes) == ({"pixels": 48}, ())
