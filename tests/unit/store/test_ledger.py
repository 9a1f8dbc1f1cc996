import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.store.attempt import Attempt, Grant, Reading
from sweeper.store.event_lines import Line, line_of, parse_lines
from sweeper.store.events import Clocks, Heartbeat
from sweeper.store.history import SweepHistory
from sweeper.store.history import replay as folded
from sweeper.store.ledger import Meter, Totals, totals


def replay(lines) -> SweepHistory:
    """What the record tells, from lines as it spells them."""
    return folded(parse_lines(lines))


GAPS = st.lists(st.floats(0, 100), min_size=1, max_size=20)


class Jumping:
    """A clock that does as it is told."""

    def __init__(self, now=100.0):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Jumping()


def attempt(trial, ended, billed, productive=0.0, *, is_gpu=False, share=1.0, price=None):
    grant = {
        "node": "n",
        "device": "d",
        "is_gpu": is_gpu,
        "share": share,
        "usd_per_hour": price,
        "granted": 0.0,
    }
    outcome = {"state": "waiting", "kind": ended, "message": "", "fingerprint": ""}
    return [
        Line("asked", trial, body={"number": 0, "config": {}, "seed": 0}),
        Line("granted", trial, 1, grant),
        Line("ended", trial, 1, outcome | {"billed": billed, "productive": productive}),
    ]


def test_an_attempt_is_billed_from_grant_to_release(clock):
    meter = Meter(clock)
    meter.start("t", seconds_ago=2.0)
    clock.now += 3
    meter.trained("t", 4.0)
    assert meter.reading("t") == Reading(5.0, 4.0)
    clock.now += 1
    assert meter.stop("t") == Reading(6.0, 4.0)
    assert meter.reading("t") == meter.stop("t") == Reading()


def test_training_adds_up_and_is_never_more_than_what_is_billed(clock):
    meter = Meter(clock)
    meter.start("t")
    clock.now += 10
    for seconds in (2.0, 3.0, -5.0):
        meter.trained("t", seconds)
    assert meter.reading("t") == Reading(10.0, 5.0)
    meter.trained("t", 50.0)
    assert meter.reading("t") == Reading(10.0, 10.0)
    meter.trained("nobody", 1.0)


def test_a_clock_that_goes_back_bills_nothing(clock):
    meter = Meter(clock)
    meter.hold(2)
    meter.start("t")
    clock.now -= 50
    assert meter.reading("t") == Reading(0.0, 0.0)
    assert meter.capacity() == 0.0
    clock.now += 3
    assert meter.reading("t").billed == 3.0, "from there it counts on"
    assert (meter.capacity(), meter.wall()) == (6.0, 3.0)


def test_capacity_follows_a_cluster_that_grows_and_shrinks(clock):
    meter = Meter(clock)
    clock.now += 5  # before anything is held
    for slots, seconds in ((2, 10), (3, 4), (0, 100), (1, 1)):
        meter.hold(slots)
        clock.now += seconds
    assert meter.capacity() == 2 * 10 + 3 * 4 + 1
    assert meter.capacity() == 33, "reading it changes nothing"


def test_wall_and_capacity_go_on_from_earlier_launches(clock):
    meter = Meter(clock, wall_before=50.0, capacity_before=70.0)
    meter.hold(2)
    clock.now += 5
    assert (meter.wall(), meter.capacity()) == (55.0, 80.0)


@given(gaps=GAPS, slots=st.integers(1, 4))
def test_what_attempts_are_billed_and_what_idles_is_what_is_held(gaps, slots):
    clock = Jumping(0.0)
    meter, billed, running = Meter(clock), 0.0, []
    meter.hold(slots)
    for place, gap in enumerate(gaps):
        clock.now += gap
        if len(running) == slots or (running and place % 3 == 0):
            billed += meter.stop(running.pop(0))[0]
        running.append(f"t{place}")
        meter.start(running[-1])
    billed += sum(meter.stop(trial)[0] for trial in running)
    assert 0 <= billed <= meter.capacity() + 1e-9


@pytest.mark.parametrize(
    ("ended", "failed", "preempted"),
    [
        ("completed", 0, 0), ("stopped", 0, 0), ("paused", 0, 0), ("interrupted", 0, 0), ("budget", 0, 0),
        ("cancelled", 0, 0), ("preempted", 0, 8), ("driver_lost", 0, 8), ("error", 8, 0), ("diverged", 8, 0),
        ("worker_lost", 8, 0), ("node_lost", 0, 8), ("out_of_memory", 8, 0), ("hung", 8, 0),
    ],
)  # fmt: skip
def test_only_a_failure_counts_as_failed_and_a_preemption_on_its_own(ended, failed, preempted):
    sums = totals(replay(attempt("t", ended, 8.0, 6.0)))
    assert (sums.failed, sums.preempted, sums.billed, sums.overhead) == (failed, preempted, 8.0, 2.0)


def test_sums_are_in_device_seconds():
    log = attempt("a", "completed", 100.0, 80.0, is_gpu=True, share=0.5, price=3.6)
    log += attempt("b", "completed", 60.0, 60.0, is_gpu=True, share=2.0, price=3.6)
    log.append(Line("closed", body={"why": "done", "wall": 1.0, "capacity": 200.0}))
    sums = totals(replay(log))
    assert (sums.billed, sums.productive, sums.gpu_billed) == (170.0, 160.0, 170.0)
    assert sums.gpu_hours == 170 / 3600
    assert sums.usd == pytest.approx(0.17)
    assert (sums.capacity, sums.idle) == (200.0, 30.0)


def test_the_price_of_the_whole_is_unknown_as_soon_as_one_part_is():
    priced, unpriced = attempt("a", "", 1.0, price=1.0), attempt("b", "", 1.0)
    assert totals(replay(priced)).usd is not None
    assert totals(replay([*priced, *unpriced])).usd is None
    assert totals(replay([])).usd == 0


def test_a_cpu_slot_stands_in_only_where_no_attempt_had_a_gpu():
    cpu, gpu = attempt("a", "", 3600.0), attempt("b", "", 7200.0, is_gpu=True)
    assert totals(replay(cpu)).gpu_hours == 1.0
    assert totals(replay([*cpu, *gpu])).gpu_hours == 2.0


def test_idle_is_never_negative_where_the_last_beat_lags_behind():
    assert Totals(billed=10, productive=8, capacity=5).idle == 0.0


def test_a_grant_without_a_word_is_one_slot_of_this_machine_at_no_known_price():
    assert Grant() == Grant("local", "cpu", False, 1.0, None)


def test_waiting_is_what_lies_between_the_ask_and_the_grant(clock):
    meter = Meter(clock)
    meter.ask("t")
    clock.now += 9
    assert meter.start("t", seconds_ago=2.0) == 7.0
    assert meter.start("nobody asked") is None
    meter.ask("u")
    assert meter.start("u", seconds_ago=60.0) == 0.0, "never negative"
    meter.ask("v")
    clock.now -= 50
    assert meter.start("v") == 0.0


def test_capacity_is_known_by_node_over_all_launches(clock):
    meter = Meter(clock, capacity_before=10.0, nodes_before={"a": 10.0})
    meter.hold({"a": 2, "b": 1})
    clock.now += 5
    meter.hold({"b": 1})
    clock.now += 5
    meter.hold(0)
    clock.now += 100
    assert meter.clocks() == Clocks(110.0, 30.0, {"a": 20.0, "b": 10.0})


def test_a_meter_without_names_writes_down_no_nodes(clock):
    meter = Meter(clock)
    meter.hold(2)
    clock.now += 3
    assert line_of(Heartbeat(clocks=meter.clocks())).body == {"wall": 3.0, "capacity": 6.0, "attempts": {}}


@pytest.mark.parametrize(("share", "charged"), [(0.25, 25.0), (1.0, 100.0), (2.0, 100.0)])
def test_energy_is_charged_by_the_share_of_the_gpu(clock, share, charged):
    meter = Meter(clock)
    meter.start("t")
    meter.drew("t", 100.0, share)
    meter.drew("t", None, share)
    meter.drew("t", -3.0, share)
    meter.drew("nobody", 5.0)
    assert meter.reading("t").joules == charged
    assert meter.stop("t").joules == charged
    assert meter.reading("t").joules is None


def test_energy_is_summed_where_it_is_known_and_none_where_nowhere():
    one, other = attempt("a", "completed", 8.0), attempt("b", "completed", 4.0)
    assert totals(replay([*one, *other])).joules is None
    one[-1] = Line("ended", "a", 1, {**one[-1].body, "joules": 50.0})
    sums = totals(replay([*one, *other]))
    assert (sums.joules, sums.measured) == (50.0, 8.0)


def test_one_off_work_lies_beside_what_attempts_held():
    log = attempt("a", "completed", 8.0, 6.0)
    log += [Line("booked", body={"what": "image stores", "device_seconds": 3.0})] * 2
    log.append(Line("closed", body={"why": "done", "wall": 20.0, "capacity": 10.0}))
    sums = totals(replay(log))
    assert (sums.one_off, sums.held, sums.idle) == (6.0, 16.0, 2.0)


def test_the_repeated_part_of_a_lost_attempt_begins_at_its_last_checkpoint(make_rig):
    rig = make_rig(scheduler={"type": "none"}, budget={"trials": 1})
    trial = rig.start()
    rig.clock.now += 4.0
    for _ in range(3):
        rig.step(trial.id)
    kept = rig.sweep.meter.reading(trial.id).billed
    rig.clock.now += 5.0
    rig.fail(trial.id, "node_lost")
    (lost,) = rig.trials[0].attempts
    assert (lost.kept, lost.last_report) == (kept, kept)
    assert lost.first_step == pytest.approx(4.0)
    assert rig.sweep.totals.repeated == pytest.approx(5.0)
    rig.finish()
    assert rig.sweep.totals.repeated == pytest.approx(5.0), "the next attempt was not lost"


def test_what_was_reported_after_the_newest_checkpoint_is_repeated_too():
    """A thread writes: each report names the last one that is on the disk."""
    lost = Attempt("a", 1)
    for epoch, saved in ((1, 1), (2, 1), (3, 1), (4, 2)):
        lost.cost(10.0 * epoch, 0.0)
        lost.reported(epoch, saved)
    lost.cost(45.0, 0.0)
    assert (lost.kept, lost.repeated_device_seconds) == (20.0, 25.0)
    assert lost.unsaved == {3: 30.0, 4: 40.0}


def test_an_attempt_that_never_reported_was_all_set_up_and_is_repeated_whole():
    sums = totals(replay(attempt("t", "preempted", 8.0)))
    assert (sums.set_up, sums.repeated, sums.hand_over) == (8.0, 8.0, 0.0)


def test_the_source_of_a_price_is_kept_with_each_grant(make_rig):
    grant = Grant("n", "A10", True, 0.5, 2.0, "catalog @1", "2026-11-21", "spot", "GPU-7")
    rig = make_rig(grant=grant)
    rig.clock.now += 3.0
    rig.start()
    rig.kill()
    (kept,) = rig.sweep.history.attempts
    assert (kept.price_source, kept.price_date, kept.market, kept.gpu_uuid) == (
        "catalog @1", "2026-11-21", "spot", "GPU-7",
    )  # fmt: skip
    assert (kept.waited, kept.granted) == (0.0, 3.0)


def test_a_record_of_an_older_sweeper_is_read_with_its_gaps():
    """Grants of version 0.1 knew neither waiting nor source, its decisions no cost, its beats no energy."""
    grant = {"node": "n", "device": "d", "is_gpu": False, "share": 1.0, "usd_per_hour": None, "granted": 1.0}
    history = replay(
        [
            Line("asked", "t", body={"number": 0, "config": {}, "seed": 0}),
            Line("granted", "t", 1, grant),
            Line("reported", "t", 1, {"epoch": 1, "score": 0.5}),
            Line("decided", "t", 1, {"epoch": 1, "decision": "continue"}),
            Line("beat", body={"wall": 9.0, "capacity": 9.0, "attempts": {"t": [1, 8.0, 6.0]}}),
        ]
    )
    (old,) = history.attempts
    assert (old.billed, old.productive, old.waited, old.first_step, old.joules) == (
        8.0,
        6.0,
        None,
        None,
        None,
    )
    assert (old.price_source, old.market, old.gpu_uuid, history.capacity_by_node) == ("", "", "", {})


def test_a_grant_of_a_newer_sweeper_is_read_without_what_is_unknown_here():
    log = attempt("t", "completed", 8.0)
    log[1] = Line("granted", "t", 1, {**log[1].body, "water_litres": 3.0})
    assert totals(replay(log)).billed == 8.0


def test_a_cpu_slot_beside_gpus_is_billed_but_fills_no_gpu():
    """`resources.rules` may give some trials no GPU: their time is held beside the GPUs'."""
    log = attempt("a", "completed", 60.0, is_gpu=True) + attempt("b", "completed", 30.0)
    log.append(Line("closed", body={"why": "done", "wall": 100.0, "capacity": 100.0}))
    sums = totals(replay(log))
    assert (sums.billed, sums.idle, sums.held) == (90.0, 40.0, 130.0)
    assert sums.usd is None
    priced = attempt("a", "completed", 3600.0, is_gpu=True, price=2.0)
    assert totals(replay(priced + attempt("b", "completed", 30.0))).usd == 2.0, "the node's GPUs pay for it"


def test_waiting_is_unknown_where_no_grant_told_it():
    sums = totals(replay(attempt("a", "completed", 8.0)))
    assert sums.waited is None


THIRD = Grant(share=0.5 / 3, places=3)
"""Of three that train as one on half of a device."""


def test_what_trains_as_one_is_billed_by_what_was_measured_and_together_for_the_time_it_held(clock):
    meter = Meter(clock)
    meter.start("a", grant=THIRD)
    meter.start("b", grant=THIRD)
    clock.now += 10
    meter.divide({"a": 3.0, "b": 1.0})
    assert [meter.reading(trial).device_seconds for trial in "ab"] == pytest.approx([3.75, 1.25])
    assert [meter.reading(trial).billed for trial in "ab"] == [10, 10]
    clock.now += 4
    assert [meter.reading(trial).device_seconds for trial in "ab"] == pytest.approx([4.75, 2.25])
    assert meter.stop("a").device_seconds == pytest.approx(4.75)
    clock.now += 6
    assert meter.stop("b").device_seconds == pytest.approx(2.25 + 3)


def test_training_in_a_pack_is_no_more_than_what_is_billed(clock):
    meter = Meter(clock)
    meter.start("a", grant=THIRD)
    meter.start("b", grant=THIRD)
    meter.trained("a", 1e9)
    clock.now += 12
    reading = meter.reading("a")
    assert reading.productive * THIRD.share == pytest.approx(reading.device_seconds) == pytest.approx(3.0)


MOVES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["move", "divide"]), st.floats(0.001, 100)),
    max_size=40,
)


@given(MOVES)
def test_whoever_comes_and_goes_the_members_pay_for_all_the_time_that_the_device_was_held(moves):
    clock = Jumping()
    meter, paid, held, inside = Meter(clock), 0.0, 0.0, set()
    for trial, what, seconds in moves:
        clock.now += seconds
        held += seconds if inside else 0.0
        if what == "divide":
            meter.divide({each: seconds * ord(each) for each in sorted(inside)[:2]})
        elif trial in inside:
            inside.remove(trial)
            paid += meter.stop(trial).device_seconds
        else:
            inside.add(trial)
            meter.start(trial, grant=Grant(places=4, share=0.25))
    paid += sum(meter.reading(trial).device_seconds for trial in inside)
    assert paid == pytest.approx(held)
