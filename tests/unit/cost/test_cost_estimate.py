import json

import pytest

from sweeper.cost.cost_estimate import Corner, CostEstimate, Range


def quote(**changes) -> CostEstimate:
    known = {
        "source": "probe",
        "timings": 6,
        "device": "a cpu",
        "is_gpu": False,
        "slots": 2,
        "share": 1.0,
        "device_hours": Range(1, 2, 3),
        "wall_hours": Range(0.5, 1, 1.5),
        "trials": Range(32, 32, 32),
        "completed": Range(3, 5, 8),
        "full_trial": Range(0.1, 0.2, 0.9),
        "dearest": Corner({"layers": 3}, 1.5, 0.9),
        "rungs": {"2": 32.0},
        "changes": ("budget.trials: 3",),
        "samples": (({"layers": 3}, 1.5), ({"layers": 1}, 0.5)),
    }
    return CostEstimate(**(known | changes))


def test_quantiles_are_in_order_and_of_the_values():
    assert Range.of([5, 1, 3, 2, 4]) == Range(1.4, 3, 4.6)
    assert Range.of([7]) == Range(7, 7, 7)


@pytest.mark.parametrize(("value", "is_held"), [(0.9, False), (1, True), (2, True), (3, True), (3.1, False)])
def test_a_range_holds_what_is_no_surprise(value, is_held):
    assert Range(1, 2, 3).holds(value) is is_held


@pytest.mark.parametrize("changes", [{}, {"usd_per_hour": 2.5}, {"dearest": None}])
def test_a_quote_survives_the_record(changes):
    assert CostEstimate.from_json(quote(**changes).to_json()) == quote(**changes)


def test_money_is_quoted_where_a_price_is_known_and_only_there():
    assert quote().usd is None
    assert quote(usd_per_hour=2.0).usd == Range(2, 4, 6)


@pytest.mark.parametrize("text", ["", "{}", "null", "[1]", "not json", '{"version": 1}'])
def test_what_is_no_quote_is_none(text):
    assert CostEstimate.from_json(text) is None


def test_a_quote_of_another_version_is_none():
    document = json.loads(quote().to_json()) | {"version": 0}
    assert CostEstimate.from_json(json.dumps(document)) is None
