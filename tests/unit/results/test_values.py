from dataclasses import dataclass

import pytest

from sweeper.results.values import by_value
from sweeper.trial import Goal


@dataclass(frozen=True)
class Cost:
    billed: float = 3600.0
    score: float | None = None
    usd: float | None = None


@pytest.fixture
def objective(toy_spec):
    return lambda **keys: toy_spec(objective={"metric": "valid/top5"} | keys).objective


def test_each_value_tells_what_it_cost_and_what_it_brought(objective):
    trials = [
        ({"pixels": 48}, Cost(3600.0, 0.6, 1.0)),
        ({"pixels": 48}, Cost(7200.0, 0.8, 2.0)),
        ({"pixels": 48}, Cost(1800.0, None, 0.5)),
        ({"pixels": 96}, Cost(36000.0, 0.9, 10.0)),
    ]
    small, large = by_value(trials, objective(), [1] * 10)
    assert (small.parameter, small.value, small.trials, small.billed, small.usd) == (
        "pixels", "48", 3, 12600.0, 3.5,
    )  # fmt: skip
    assert (small.best, small.median) == (0.8, pytest.approx(0.7))
    assert small.efficiency == pytest.approx((0.7 - 0.5) / (3.5 / 3)), "chance of top-5 among 10 is a half"
    assert (large.value, large.best, large.efficiency) == ("96", 0.9, pytest.approx(0.04))


def test_what_never_differs_is_not_listed(objective):
    trials = [({"pixels": 48, "layers": n}, Cost(score=0.5)) for n in (1, 2)]
    assert {row.parameter for row in by_value(trials, objective(), [1] * 10)} == {"layers"}


def test_trials_without_a_parameter_count_in_none_of_its_rows(objective):
    trials = [({"layers": 1}, Cost()), ({"layers": 2}, Cost()), ({"backbone": "vgg16"}, Cost())]
    rows = by_value(trials, objective(), None)
    assert [(row.parameter, row.value, row.trials) for row in rows] == [
        ("layers", "1", 1),
        ("layers", "2", 1),
    ]


def test_numbers_are_in_their_order_and_names_in_theirs(objective):
    trials = [({"pixels": n, "optimizer": o}, Cost()) for n, o in ((100, "sgd"), (9, "adamw"), (20, "adam"))]
    rows = by_value(trials, objective(), None)
    assert [row.value for row in rows if row.parameter == "pixels"] == ["9", "20", "100"]
    assert [row.value for row in rows if row.parameter == "optimizer"] == ["adam", "adamw", "sgd"]


def test_many_numbers_are_told_by_quarters_of_the_trials(objective):
    trials = [({"learning_rate": 0.001 * n}, Cost(score=n / 100)) for n in range(1, 41)]
    rows = by_value(trials, objective(), None)
    assert [row.trials for row in rows] == [10, 10, 10, 10]
    assert (rows[0].value, rows[3].value) == ("0.001 to 0.01", "0.031 to 0.04")
    assert [row.best for row in rows] == [0.1, 0.2, 0.3, 0.4]


def test_of_many_other_values_the_dearest_are_told_apart(objective):
    trials = [({"filters": [16] * n}, Cost(100.0 * n)) for n in range(1, 21)]
    rows = by_value(trials, objective(), None)
    assert len(rows) == 8
    assert rows[0].billed == 2000.0
    assert (rows[-1].value, rows[-1].trials) == ("13 others", 13)
    assert sum(row.billed for row in rows) == 21000.0


@pytest.mark.parametrize("keys", [{"metric": "valid/loss", "goal": "minimize"}, {}])
def test_without_a_chance_level_nothing_is_efficient(objective, keys):
    trials = [({"pixels": n}, Cost(score=n / 10)) for n in (1, 2)]
    rows = by_value(trials, objective(**keys), None)
    assert [row.efficiency for row in rows] == [None, None]


def test_a_loss_is_best_where_it_is_lowest(objective):
    trials = [({"pixels": 8}, Cost(score=0.4)), ({"pixels": 8}, Cost(score=0.2)), ({"pixels": 9}, Cost())]
    eight, nine = by_value(trials, objective(metric="valid/loss", goal=Goal.MINIMIZE), None)
    assert (eight.best, nine.best, nine.median) == (0.2, None, None)


def test_one_unknown_price_makes_the_money_of_its_value_unknown(objective):
    trials = [({"p": 1}, Cost(usd=1.0)), ({"p": 1}, Cost(usd=None)), ({"p": 2}, Cost(usd=2.0))]
    assert [row.usd for row in by_value(trials, objective(), None)] == [None, 2.0]
