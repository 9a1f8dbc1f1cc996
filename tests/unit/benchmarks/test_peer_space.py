"""A space as other searches know theirs: conditions hold, and a flat one has room for every layer."""

from parts.peer_space import configured, flat
from parts.varied_sets import PARAMETERS

SPACE = {
    "layers": {"min": 2, "max": 4, "distribution": "int_uniform"},
    "filters": {"values": [8, 16], "per": "layers"},
    "convs_per_block": {"values": [1, 2]},
    "residual": {"values": [False, True], "when": {"convs_per_block": [2]}},
    "momentum": {"values": [0.6, 0.9], "when": {"optimizer": "muon"}},
}


def test_what_a_condition_rules_out_is_not_asked_for():
    asked: list[str] = []

    def first(name: str, spread: object) -> object:
        asked.append(name)
        return spread[0] if isinstance(spread, list) else 3

    config = configured(SPACE, first)
    assert config == {"layers": 3, "filters": [8, 8, 8], "convs_per_block": 1}
    assert asked == ["layers", "filters_0", "filters_1", "filters_2", "convs_per_block"]


def test_a_condition_that_holds_is_asked_for():
    config = configured(SPACE, lambda name, spread: spread[-1] if isinstance(spread, list) else 2)
    assert config == {"layers": 2, "filters": [16, 16], "convs_per_block": 2, "residual": True}


def test_a_search_without_conditions_has_a_choice_for_every_layer():
    filters = [f"filters_{layer}" for layer in range(4)]
    assert list(flat(SPACE)) == ["layers", *filters, "convs_per_block", "residual", "momentum"]


def test_a_configuration_of_the_recorded_sets_comes_out_whole():
    known = flat(PARAMETERS)
    config = configured(PARAMETERS, lambda name, _: known[name][0] if isinstance(known[name], list) else 3)
    assert config["filters"] == [8, 8, 8]
    assert "residual" not in config
    assert set(PARAMETERS) - set(config) == {"residual"}
