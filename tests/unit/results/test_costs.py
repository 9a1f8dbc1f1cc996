import pytest

from sweeper.results.costs import bill
from sweeper.store.attempt import Attempt
from sweeper.store.events import WorkBooked
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trial import Outcome, Report, State

PRICED = {"usd_per_hour": 3.6, "price_source": "catalog @1", "price_date": "2026-11-21", "market": "spot"}


def attempt(billed, **fields):
    return Attempt("t", 1, **{"node": "a", "device": "A10", "billed": billed, "ended": "completed"} | fields)


def trial(number, *attempts, score=None, state=State.COMPLETED, epochs=1, **config):
    reports = [] if score is None else [Report(epochs, score, 10.0 * epochs)]
    outcome = Outcome(state)
    return TrialHistory(f"t{number}", number, config, 0, 0, None, state=state, outcome=outcome,
                        reports=reports, attempts=list(attempts))  # fmt: skip


def history(*trials, capacity=0.0, nodes=None, booked=()):
    return SweepHistory(
        trials={each.id: each for each in trials},
        capacity_device_seconds=capacity,
        capacity_by_node=nodes or {},
        booked=list(booked),
    )


@pytest.fixture
def spec(toy_spec):
    return toy_spec(objective={"metric": "valid/top5"}, train={"epochs": 10})


def test_the_sums_of_a_sweep_of_two_nodes(spec):
    told = history(
        trial(0, attempt(60.0, productive=40.0, first_step=5.0), score=0.5, layers=1),
        trial(1, attempt(20.0, node="b", ended="error"), state=State.FAILED, layers=2),
        capacity=160.0, nodes={"a": 100.0, "b": 60.0},
        booked=[
            WorkBooked(what="image stores", device_seconds=6.0),
            WorkBooked(what="final test", device_seconds=4.0),
        ],
    )  # fmt: skip
    drawn = bill(told, spec)
    sums = drawn.sums
    assert (sums.held, sums.billed, sums.idle, sums.one_off) == (170.0, 80.0, 80.0, 10.0)
    assert (sums.productive, sums.set_up, sums.hand_over, sums.failed) == (40.0, 25.0, 15.0, 20.0)
    assert drawn.one_off == {"image stores": 6.0, "final test": 4.0}
    assert [(n.node, n.held, n.billed, n.idle) for n in drawn.nodes] == [
        ("a", 100.0, 60.0, 40.0), ("b", 60.0, 20.0, 40.0),
    ]  # fmt: skip
    assert (drawn.usd, drawn.prices, drawn.has_gpu) == (None, [], False)


def test_money_covers_idle_nodes_at_their_own_price_and_one_off_work_at_the_mean(spec):
    told = history(
        trial(0, attempt(1000.0, is_gpu=True, **PRICED), layers=1),
        trial(1, attempt(1000.0, is_gpu=True, node="b", **PRICED | {"usd_per_hour": 7.2}), layers=2),
        capacity=4000.0, nodes={"a": 1500.0, "b": 2500.0},
        booked=[WorkBooked(what="image stores", device_seconds=1000.0)],
    )  # fmt: skip
    drawn = bill(told, spec)
    assert drawn.sums.usd == pytest.approx(3.0)
    assert [node.idle_usd for node in drawn.nodes] == [pytest.approx(0.5), pytest.approx(3.0)]
    assert drawn.idle_usd == pytest.approx(3.5)
    assert drawn.one_off_usd == pytest.approx(1.5)
    assert drawn.usd == pytest.approx(8.0)
    assert {(p.usd_per_hour, p.market, p.source, p.date) for p in drawn.prices} == {
        (3.6, "spot", "catalog @1", "2026-11-21"), (7.2, "spot", "catalog @1", "2026-11-21"),
    }  # fmt: skip


def test_one_unknown_price_makes_the_whole_unknown_and_hides_no_known_one(spec):
    drawn = bill(history(trial(0, attempt(10.0, **PRICED)), trial(1, attempt(10.0, node="b"))), spec)
    assert (drawn.usd, drawn.sums.usd) == (None, None)
    assert [price.billed for price in drawn.prices] == [10.0]


def test_idle_by_node_is_unknown_where_an_older_launch_told_only_the_sum(spec):
    drawn = bill(history(trial(0, attempt(10.0)), capacity=100.0, nodes={"a": 40.0}), spec)
    assert [(node.held, node.idle) for node in drawn.nodes] == [(None, None)]
    assert drawn.sums.idle == 90.0


def test_a_node_that_nobody_used_is_idle_and_listed(spec):
    drawn = bill(history(trial(0, attempt(10.0)), capacity=40.0, nodes={"a": 20.0, "b": 20.0}), spec)
    assert [(node.node, node.attempts, node.idle) for node in drawn.nodes] == [("a", 1, 10.0), ("b", 0, 20.0)]


def test_the_bill_for_preemptions_counts_what_was_done_again_by_kind(spec):
    told = history(
        trial(0, attempt(30.0, ended="preempted", kept=10.0, **PRICED), attempt(40.0, **PRICED)),
        trial(1, attempt(20.0, ended="node_lost", **PRICED)),
        trial(2, attempt(20.0, ended="driver_lost", kept=20.0)),
    )
    drawn = bill(told, spec)
    assert [(each.kind, each.attempts, each.billed, each.repeated) for each in drawn.preempted] == [
        ("preempted", 1, 30.0, 20.0), ("driver_lost", 1, 20.0, 0.0), ("node_lost", 1, 20.0, 20.0),
    ]  # fmt: skip
    assert [each.usd for each in drawn.preempted] == [pytest.approx(0.02), None, pytest.approx(0.02)]
    assert (drawn.sums.preempted, drawn.sums.repeated) == (70.0, 40.0)


def test_what_stopping_early_saved_is_an_estimate_at_each_trials_own_pace(spec):
    stopped = trial(0, attempt(20.0), score=0.1, state=State.STOPPED, epochs=2)
    drawn = bill(history(stopped, trial(1, attempt(100.0), score=0.9, epochs=10)), spec)
    assert (drawn.stopped, drawn.saved) == (1, 80.0)


def test_trials_are_listed_the_dearest_first_over_all_their_attempts(spec):
    told = history(
        trial(0, attempt(5.0, waited=1.0), attempt(6.0, waited=2.0, joules=7.0)),
        trial(1, attempt(20.0)),
        trial(2),
    )
    first, second, third = bill(told, spec).trials
    assert (first.number, first.billed, first.waited, first.joules) == (1, 20.0, None, None)
    assert (second.number, second.attempts, second.billed, second.waited, second.joules) == (
        0,
        2,
        11.0,
        3.0,
        7.0,
    )
    assert (third.number, third.attempts, third.billed) == (2, 0, 0.0)


def test_a_sweep_that_has_not_begun_costs_nothing_and_knows_no_money(spec):
    drawn = bill(history(), spec)
    assert (drawn.sums.held, drawn.usd, drawn.trials, drawn.values, drawn.nodes) == (0.0, None, [], [], [])
