import pytest

from sweeper.budget import Budget
from sweeper.history import replay
from sweeper.ledger import Meter
from sweeper.record import Event
from sweeper.runners.simulated import VirtualClock
from sweeper.sections import BudgetSpec


class Books:
    """A history and a meter that a budget reads."""

    def __init__(self, **limits):
        self.clock = VirtualClock()
        self.meter = Meter(self.clock)
        self.history = replay([])
        self.budget = Budget(BudgetSpec(**limits), self.history, self.meter)

    def start(self, trial, share=1.0, price=None):
        grant = {
            "node": "",
            "device": "",
            "is_gpu": True,
            "share": share,
            "usd_per_hour": price,
            "granted": 0.0,
        }
        self.history.apply(Event("asked", trial, body={"number": 0, "config": {}, "seed": 0}))
        self.history.apply(Event("granted", trial, 1, grant))
        self.meter.start(trial)

    def end(self, trial, state="completed"):
        billed, productive, _ = self.meter.stop(trial)
        outcome = {"state": state, "kind": "", "message": "", "fingerprint": ""}
        self.history.apply(Event("ended", trial, 1, outcome | {"billed": billed, "productive": productive}))

    def past(self, trial, hours, **grant):
        self.start(trial, **grant)
        self.clock.now += hours * 3600
        self.end(trial)


def test_without_limits_nothing_is_ever_short():
    books = Books(trials=3)
    books.past("a", 1000.0, price=1e9)
    assert books.budget.shortage([], is_new=True) == ""


@pytest.mark.parametrize(("hours", "is_short"), [(0.99, False), (1.0, True), (1.5, True)])
def test_wall_hours_are_over_when_they_are(hours, is_short):
    books = Books(wall_hours=1.0)
    books.clock.now += hours * 3600
    assert bool(books.budget.shortage([], is_new=False)) == is_short
    assert books.budget.shortage([], is_new=False) in ("", "1 wall-clock hours are over")


def test_what_runs_now_counts_as_well_as_what_is_over():
    books = Books(gpu_hours=2.0)
    books.past("a", 1.0)
    books.start("b", share=0.5)
    books.clock.now += 3600
    assert books.budget.shortage(["b"], is_new=False) == ""
    books.clock.now += 3600
    assert books.budget.shortage(["b"], is_new=False) == "2 of 2 device-hours are spent"


def test_a_new_attempt_must_fit_beside_what_the_running_ones_will_still_cost():
    books = Books(gpu_hours=4.0)
    books.past("a", 1.0)
    books.start("b")
    assert books.budget.shortage(["b"], is_new=True) == "", "1 spent, 1 reserved, 1 for the new one"
    books.start("c")
    assert books.budget.shortage(["b", "c"], is_new=True), "1 spent, 2 reserved, 1 for the new one"
    assert books.budget.shortage(["b", "c"], is_new=False) == "", "they may go on"


def test_a_running_attempt_reserves_only_what_it_has_not_used_yet():
    books = Books(gpu_hours=4.0)
    books.past("a", 1.0)
    books.start("b")
    books.clock.now += 3000  # 0.83 h of the 1 h that it is expected to take
    assert books.budget.shortage(["b"], is_new=True) == ""
    books.clock.now += 3 * 3600  # far beyond what was expected: nothing is reserved, all is spent
    assert books.budget.shortage(["b"], is_new=False)


def test_before_any_trial_is_over_a_few_start_on_trust():
    books = Books(gpu_hours=0.001)
    for name in "abc":
        assert books.budget.shortage(list("abc")[: "abc".index(name)], is_new=True) == ""
        books.start(name)


def test_the_expectation_is_the_median_of_trials_that_are_over():
    books = Books(gpu_hours=10.0)
    for trial, hours in (("a", 1.0), ("b", 1.0), ("c", 6.0)):
        books.past(trial, hours)
    assert books.budget.shortage([], is_new=True) == "", "8 spent and 1 expected, not 2.7"


def test_money_follows_the_price_of_each_device():
    books = Books(usd=10.0)
    books.past("cheap", 10.0, price=0.1)
    books.start("dear", price=90.0)
    books.clock.now += 359
    assert books.budget.shortage(["dear"], is_new=False) == ""
    books.clock.now += 1
    assert books.budget.shortage(["dear"], is_new=False) == "10.00 of 10 USD are spent"


def test_a_device_without_a_price_costs_no_known_money_and_hides_no_other():
    books = Books(usd=1.0)
    books.past("unknown", 100.0)
    assert books.budget.shortage([], is_new=True) == ""
    books.past("known", 1.0, price=1.0)
    assert "1.00 of 1 USD" in books.budget.shortage([], is_new=False)


def test_an_attempt_that_waits_for_its_device_costs_nothing_yet():
    books = Books(gpu_hours=1.0)
    books.history.apply(Event("asked", "t", body={"number": 0, "config": {}, "seed": 0}))
    assert books.budget.device_seconds("t") == 0.0
    assert books.budget.shortage(["t"], is_new=True) == ""


def test_ten_thousand_trials_are_summed_once_and_not_at_every_question():
    """Counted in reads of an attempt's cost, because clocks are noisy here."""
    reads = []
    books = Books(gpu_hours=1e9)
    books.past("first", 1.0)
    attempt = books.history.settled[0]

    class Counted(type(attempt)):
        @property
        def device_seconds(self):
            reads.append(self.trial)
            return 1.0

    books.history.settled[:] = [Counted(f"t{n}", 1) for n in range(10_000)]
    for _ in range(50):
        assert books.budget.shortage([], is_new=True) == ""
    assert len(reads) <= 2 * 10_000
