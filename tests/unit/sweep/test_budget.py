import pytest

from sweeper.config.sections import BudgetSpec
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Grant
from sweeper.store.event_lines import Line, parse
from sweeper.store.history import SweepHistory
from sweeper.store.ledger import Meter
from sweeper.sweep.budget import Budget

HOUR = 3600.0


class Books:
    """A history, a meter and a budget over them, moved by hand."""

    def __init__(self, **limits):
        self.clock = VirtualClock()
        self.meter = Meter(self.clock)
        self.history = SweepHistory()
        self.budget = Budget(BudgetSpec(**limits), self.history, self.meter)

    def start(self, trial, share=1.0, price=None, needs=0.0):
        grant = Grant("", "", True, share, price)
        body = {"node": "", "device": "", "is_gpu": True, "share": share, "usd_per_hour": price}
        self.history.apply(parse(Line("asked", trial, body={"number": 0, "config": {}, "seed": 0})))
        self.budget.reserve(trial, needs)
        self.history.apply(parse(Line("granted", trial, 1, body | {"granted": 0.0})))
        self.meter.start(trial)
        self.budget.started(trial, grant)

    def end(self, trial, state="completed"):
        self.budget.ended(trial)
        outcome = {"state": state, "kind": "", "message": "", "fingerprint": ""}
        self.history.apply(parse(Line("ended", trial, 1, outcome | self.meter.stop(trial)._asdict())))

    def end_packed(self, trial):
        """Leave what it has cost out of the history, as of another launch."""
        self.budget.ended(trial)
        self.meter.stop(trial)

    def past(self, trial, hours, **grant):
        self.start(trial, **grant)
        self.clock.now += hours * HOUR
        self.end(trial)


def test_without_limits_nothing_is_ever_short():
    books = Books(trials=3)
    books.past("a", 1000.0, price=1e9)
    assert books.budget.shortage(1e12) == ""


@pytest.mark.parametrize(("hours", "is_short"), [(0.99, False), (1.0, True), (1.5, True)])
def test_wall_hours_are_over_when_they_are(hours, is_short):
    books = Books(wall_hours=1.0)
    books.clock.now += hours * HOUR
    assert books.budget.shortage() == ("1 wall-clock hours are over" if is_short else "")


def test_what_runs_now_counts_as_well_as_what_is_over():
    books = Books(gpu_hours=2.0)
    books.past("a", 1.0)
    books.start("b", share=0.5)
    books.clock.now += HOUR
    assert books.budget.shortage() == ""
    books.clock.now += HOUR
    assert books.budget.shortage() == "2 of 2 device-hours are spent"


def test_a_new_attempt_must_fit_beside_what_the_running_ones_will_still_cost():
    books = Books(gpu_hours=3.5)
    books.past("a", 1.0)
    books.start("b", needs=HOUR)
    assert books.budget.shortage(HOUR) == "", "1 spent, 1 set aside, 1 for the new one"
    books.start("c", needs=HOUR)
    said = books.budget.shortage(HOUR)
    assert said == "1 of 3.5 device-hours are spent, 3 more would be needed"
    assert books.budget.shortage() == "", "they may go on"


def test_what_waits_for_its_device_has_its_share_set_aside_already():
    books = Books(gpu_hours=2.0)
    books.budget.reserve("asked", 1.5 * HOUR)
    assert books.budget.shortage(HOUR)
    books.budget.ended("asked")
    assert books.budget.shortage(HOUR) == ""


def test_a_running_attempt_has_only_set_aside_what_it_has_not_used_yet():
    books = Books(gpu_hours=4.0)
    books.start("b", needs=HOUR)
    books.clock.now += 3000
    assert books.budget.shortage(2.9 * HOUR) == ""
    assert books.budget.shortage(3.1 * HOUR)
    books.clock.now += 2 * HOUR  # far beyond what was expected: nothing is set aside, all is spent
    assert books.budget.shortage(HOUR) == ""
    assert books.budget.shortage(1.2 * HOUR)


def test_who_asks_for_its_next_stretch_is_not_in_its_own_way():
    books = Books(gpu_hours=3.0)
    books.start("b", needs=2 * HOUR)
    assert books.budget.shortage(2 * HOUR)
    assert books.budget.shortage(2 * HOUR, besides="b") == ""


def test_what_is_kept_for_later_is_not_given_out():
    books = Books(gpu_hours=3.0)
    assert books.budget.shortage(HOUR, kept=1.5 * HOUR) == ""
    assert books.budget.shortage(HOUR, kept=2.5 * HOUR)
    short = books.budget.shortage(kept=3.5 * HOUR)
    assert short == "0 of 3 device-hours are spent, 3.5 more would be needed"


def test_what_fills_a_limit_to_the_brim_fits_and_then_nothing_does():
    books = Books(gpu_hours=3.0)
    books.past("a", 1.0)
    assert books.budget.shortage(2 * HOUR) == ""
    books.past("b", 2.0)
    assert books.budget.shortage() == "3 of 3 device-hours are spent"


def test_money_follows_the_price_of_each_device():
    books = Books(usd=10.0)
    books.past("cheap", 10.0, price=0.1)
    books.start("dear", price=90.0)
    books.clock.now += 359
    assert books.budget.shortage() == ""
    books.clock.now += 1
    assert books.budget.shortage() == "10.00 of 10 USD are spent"


def test_a_device_without_a_price_costs_no_known_money_and_hides_no_other():
    books = Books(usd=1.0)
    books.past("unknown", 100.0)
    assert books.budget.shortage() == ""
    books.past("known", 1.0, price=1.0)
    assert "1.00 of 1 USD" in books.budget.shortage()


def test_work_that_serves_all_trials_counts_like_a_trial():
    books = Books(gpu_hours=1.0)
    books.history.apply(parse(Line("booked", body={"what": "image stores", "device_seconds": HOUR})))
    assert books.budget.shortage() == "1 of 1 device-hours are spent"


def test_an_attempt_that_waits_for_its_device_costs_nothing_yet():
    books = Books(gpu_hours=1.0)
    books.budget.reserve("t", 0.0)
    books.clock.now += 10 * HOUR
    assert books.budget.device_seconds("t") == 0.0
    assert books.budget.shortage() == ""


def test_running_sums_are_those_of_the_attempts_however_they_come_and_go():
    books = Books(gpu_hours=1e6, usd=1e6)
    for number in range(20):
        books.start(f"t{number}", share=0.25 * (1 + number % 4), price=1.0 + number)
        books.clock.now += 100.0
        if number % 3 == 2:
            books.end(f"t{number - 1}")
    attempts = books.history.settled
    live = [f"t{n}" for n in range(20) if f"t{n}" not in {a.trial for a in attempts}]
    expected = sum(a.device_seconds for a in attempts) + sum(map(books.budget.device_seconds, live))
    seconds, usd = books.budget.spent()
    assert seconds == pytest.approx(expected)
    prices = sum((1 + int(t[1:])) * books.budget.device_seconds(t) / HOUR for t in live)
    assert usd == pytest.approx(sum(a.usd for a in attempts) + prices)


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
        assert books.budget.shortage() == ""
    assert len(reads) <= 10_000


def test_attempts_that_train_as_one_are_counted_at_what_their_device_was_held_for():
    books = Books(gpu_hours=10.0)
    for trial in "abcd":
        books.meter.start(trial, grant=Grant(share=0.25, places=4))
        books.budget.started(trial, Grant(share=0.25, places=4))
    books.clock.now += HOUR
    books.meter.divide({"a": 1.0, "b": 1.0, "c": 1.0, "d": 5.0})
    books.budget.divided()
    assert [books.budget.device_seconds(trial) / HOUR for trial in "ad"] == pytest.approx([0.125, 0.625])
    for trial in "abc":
        books.end_packed(trial)
    books.budget.divided()
    books.clock.now += HOUR
    assert books.budget.device_seconds("d") / HOUR == pytest.approx(1.625)
    assert books.budget.spent()[0] / HOUR == pytest.approx(1.625)
