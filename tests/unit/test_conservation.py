"""The ledger adds up: what attempts are billed, one-off work and idle time are what the devices gave.

Every figure of the ledger is held against a stopwatch of the test's own, which knows no meter.
"""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeper.errors import FailureKind, SweeperError
from sweeper.results.costs import bill
from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Grant
from sweeper.store.events import AttemptEnded, AttemptStarted, SweepLaunched
from sweeper.store.history import replay
from sweeper.store.ledger import totals
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Outcome, Report, State, derive

DEVICES = 4
BEAT = 10.0
EPOCH = 3.0
PATIENT = {"scheduler": {"type": "none"}, "train": {"epochs": 5}}
SEVERAL = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def slow(trial):
    """Five epochs of 1 to 3 device-seconds, a checkpoint after each."""
    start = int(trial.checkpoint or 0)
    for epoch in range(start + 1, 6):
        yield Report(epoch, 0.5, epoch * (1 + trial.number % 3), checkpoint=str(epoch))


class Preempted(SweeperError, RuntimeError):
    """The simulated worker was taken away."""

    failure_kind = FailureKind.PREEMPTED


def preempted(chance, seed=0):
    """The same on workers of which one in so many is taken away in place of a report."""

    def workload(trial):
        random = np.random.default_rng(derive(seed, trial.id, trial.attempt))
        for report in slow(trial):
            if random.random() < chance:
                raise Preempted("taken away")
            yield report

    return workload


@dataclass
class Stopwatch:
    """Device-seconds for which attempts held a device, by the clock itself."""

    clock: VirtualClock
    busy: float = 0.0
    since: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    each: dict[tuple[str, int], float] = field(default_factory=dict)

    def __call__(self, event, history):
        key = (event.trial, event.attempt)
        if isinstance(event, AttemptStarted):
            self.since[key] = (self.clock.now, event.grant.share)
        elif isinstance(event, AttemptEnded) and key in self.since:
            self.release(key)

    def release(self, key):
        began, share = self.since.pop(key)
        self.each[key] = (self.clock.now - began) * share
        self.busy += self.each[key]

    def kill(self):
        """The driver is gone, and with it every attempt."""
        for key in list(self.since):
            self.release(key)


class Killed(BaseException):
    """The driver is gone in the middle of what it did."""


class Beats:
    """A pulse that beats as the driver does, and dies in the middle of a step where it is told to."""

    def __init__(self, sweep, clock, dies_after=None):
        self.sweep, self.clock, self.left = sweep, clock, dies_after
        self.beat_at = clock.now

    def __call__(self):
        if self.clock.now - self.beat_at >= BEAT:
            self.beat_at = self.clock.now
            self.sweep.beat()
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed
        return False


def simulated(sweep, clock, workload, *, share=1.0, dies_after=None):
    grant = Grant(node="fake", device="virtual", is_gpu=True, share=share, usd_per_hour=2.0)
    drive = runner["simulated"](clock=clock, workers=int(DEVICES / share), grant=grant)
    drive(sweep, workload, Beats(sweep, clock, dies_after))


def adds_up(sums):
    return sums.billed + sums.idle + sums.one_off == pytest.approx(sums.held, rel=0.01)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("losses", [0.0, 0.2])
def test_four_devices_in_fractions_with_preemptions(make_sweep, share, losses):
    clock = VirtualClock()
    sweep = make_sweep(clock=clock, budget={"trials": 30}, **PATIENT)
    watch = Stopwatch(clock)
    sweep.listen(watch)
    sweep.book("image stores", 7.0)
    simulated(sweep, clock, preempted(losses), share=share)
    clock.now += 11.0  # the final test, after the devices were given back
    sweep.book("final test", 11.0)
    sweep.close()
    sums = sweep.totals
    assert sums.billed == pytest.approx(watch.busy)
    assert sums.capacity == pytest.approx(DEVICES * (clock.now - 11.0), rel=0.01)
    assert sums.idle == pytest.approx(DEVICES * (clock.now - 11.0) - watch.busy, rel=0.01)
    assert sums.one_off == 18.0
    assert adds_up(sums)
    assert (sums.preempted > 0) == (losses > 0)
    assert 0 <= sums.repeated <= sums.preempted
    assert totals(replay(sweep.record.events())) == sums, "the record tells the same"


def test_what_a_page_says_by_node_and_by_trial_adds_up_to_the_whole(make_sweep):
    clock = VirtualClock()
    sweep = make_sweep(clock=clock, budget={"trials": 20}, **PATIENT)
    simulated(sweep, clock, preempted(0.2), share=0.5)
    sweep.close()
    drawn = bill(sweep.history, sweep.spec, images=[1] * 10)
    assert sum(trial.billed for trial in drawn.trials) == pytest.approx(drawn.sums.billed)
    assert sum(node.held or 0 for node in drawn.nodes) == pytest.approx(drawn.sums.capacity)
    assert sum(node.idle or 0 for node in drawn.nodes) == pytest.approx(drawn.sums.idle)
    parts = drawn.sums.productive + drawn.sums.set_up + drawn.sums.hand_over
    assert parts == pytest.approx(drawn.sums.billed)
    layers = [value for value in drawn.values if value.parameter == "layers"]
    assert sum(value.billed for value in layers) == pytest.approx(drawn.sums.billed)
    assert drawn.usd == pytest.approx(drawn.sums.held * 2.0 / 3600)


@pytest.mark.slow(reason="whole sweeps, drawn by hypothesis")
@SEVERAL
@given(seed=st.integers(0, 10**6))
def test_drivers_killed_at_any_moment_lose_at_most_a_beat_of_each_device(make_sweep, seed):
    """Two launches are killed after a random number of steps; the third goes to the end."""
    random, clock = np.random.default_rng(seed), VirtualClock()
    sweep, share = make_sweep(clock=clock, budget={"trials": 25}, **PATIENT), float(random.choice([0.5, 1.0]))
    held, lost_most, watch = 0.0, BEAT + EPOCH / share, Stopwatch(clock)
    for moment in (int(random.integers(1, 60)), int(random.integers(1, 60)), None):
        sweep.listen(watch)
        began = clock.now
        try:
            simulated(sweep, clock, preempted(0.1, seed), share=share, dies_after=moment)
        except Killed:
            watch.kill()
            held += DEVICES * (clock.now - began)
            clock.now += 1000.0  # nobody holds anything until it is resumed
            sweep = Sweep(sweep.spec, sweep.record, clock=clock)
        else:
            held += DEVICES * (clock.now - began)
            break
    sweep.close()
    sums = sweep.totals
    kills = sweep.history.launches - 1
    assert adds_up(sums)
    assert 0 <= held - sums.capacity <= kills * DEVICES * lost_most + 0.01 * held
    for trial in sweep.history.trials.values():
        for attempt in trial.attempts:
            missing = watch.each[trial.id, attempt.number] - attempt.device_seconds
            allowed = lost_most * share if attempt.ended == "driver_lost" else 1e-6
            assert -1e-6 <= missing <= allowed


@pytest.mark.slow(reason="a record is replayed after each of its events")
@SEVERAL
@given(share=st.sampled_from([0.25, 1.0]), place=st.floats(0, 1))
def test_a_record_cut_anywhere_tells_all_but_the_last_beat(make_sweep, make_rig, share, place):
    clock = VirtualClock()
    sweep = make_sweep(clock=clock, budget={"trials": 12}, **PATIENT)
    grants, moments = {}, []

    def note(event, history):
        if isinstance(event, AttemptStarted):
            grants[event.trial, event.attempt] = clock.now
        moments.append(clock.now)

    sweep.listen(note)
    simulated(sweep, clock, slow, share=share)
    events = [event for event in sweep.record.events() if not isinstance(event, SweepLaunched)]
    cut = 1 + int(place * (len(events) - 1))
    at, history = moments[cut - 1], replay(events[:cut])
    for trial in history.trials.values():
        for attempt in trial.attempts:
            if not attempt.ended:
                missing = at - grants[trial.id, attempt.number] - attempt.billed
                assert -1e-6 <= missing <= BEAT + EPOCH / share
    rig = make_rig(events=events[:cut], budget={"trials": 12}, **PATIENT)
    assert {each.ended for each in rig.sweep.history.attempts} <= {"completed", "driver_lost"}
    assert adds_up(rig.sweep.totals)
    assert rig.sweep.totals.idle >= 0


def test_no_driver_dies_as_a_clock_that_is_set_back_and_no_cost_becomes_negative(make_rig):
    """NTP has no say in a monotonic clock, but a virtual machine that was moved had."""
    rig = make_rig(workload=slow, **PATIENT)
    rig.sweep.meter.hold(1)
    trial = rig.start()
    rig.clock.now += 5.0
    rig.step(trial.id)
    before = rig.sweep.meter.reading(trial.id)
    rig.clock.now -= 3600.0
    assert rig.sweep.meter.reading(trial.id) == before, "what was billed stays billed"
    rig.sweep.beat()
    rig.clock.now += 2.0
    rig.sweep.beat()
    rig.end(trial.id, Outcome(State.COMPLETED))
    (attempt,) = rig.trials[0].attempts
    assert attempt.billed == pytest.approx(before.billed + 2.0)
    assert rig.sweep.totals.capacity == pytest.approx(before.billed + 2.0)
    assert min(attempt.waited, attempt.first_step, attempt.last_report, attempt.granted) >= 0
