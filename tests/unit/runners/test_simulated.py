import pytest

from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.trial import Report, State, canonical


def simulate(make_sweep, workload, workers=1, pulse=lambda: False, **sections):
    clock = VirtualClock()
    sweep = make_sweep(clock=clock, **sections)
    runner["simulated"](clock=clock, workers=workers)(sweep, workload, pulse)
    sweep.close()
    return sweep, clock


@pytest.mark.slow(reason="hundreds of trials")
@pytest.mark.parametrize(
    "scheduler",
    [
        {"type": "asha"},
        {"type": "asha", "kind": "promote"},
        {"type": "asha", "resource": "device_seconds", "grace": 0.1, "max": 2.0},
        {"type": "none"},
    ],
    ids=["stop", "promote", "cost", "none"],
)
def test_fifty_workers_finish_and_every_second_is_accounted_for(make_sweep, toy_workload, scheduler):
    sweep, clock = simulate(make_sweep, toy_workload(), 50, budget={"trials": 300}, scheduler=scheduler)
    sums = sweep.totals
    assert len(sweep.history.trials) == 300
    assert all(trial.state.is_final for trial in sweep.history.trials.values())
    assert sums.capacity == pytest.approx(50 * clock.now)
    assert sums.billed + sums.idle == pytest.approx(sums.capacity, rel=0.01)
    assert sums.billed == pytest.approx(sums.productive)
    assert sums.overhead == pytest.approx(0, abs=1e-6)
    reported = sum(trial.last.device_seconds for trial in sweep.history.trials.values())
    assert sums.billed == pytest.approx(reported)


def test_time_passes_by_what_trials_cost_and_side_by_side(make_sweep, toy_workload):
    serial, one = simulate(make_sweep, toy_workload(), 1, scheduler={"type": "none"})
    parallel, four = simulate(make_sweep, toy_workload(), 4, scheduler={"type": "none"})
    assert one.now == pytest.approx(serial.totals.billed)
    assert one.now / 4 <= four.now < one.now / 2
    assert parallel.totals.billed == pytest.approx(serial.totals.billed)


def test_the_same_seed_gives_the_same_simulation(make_sweep, toy_workload):
    def outcome():
        sweep, clock = simulate(make_sweep, toy_workload(), 7, budget={"trials": 60})
        return clock.now, [
            (canonical(t.config), t.state, len(t.reports)) for t in sweep.history.trials.values()
        ]

    assert outcome() == outcome()


def test_a_trial_that_starts_anew_takes_its_time_again(make_sweep):
    """Without a checkpoint the second attempt trains from epoch 0, and the clock says so."""
    attempts = []

    def workload(trial):
        attempts.append(trial.attempt)
        for epoch in (1, 2, 3):
            if trial.attempt == 1 and epoch == 3:
                raise RuntimeError("once")
            yield Report(epoch, 0.5, float(epoch))

    sweep, clock = simulate(make_sweep, workload, budget={"trials": 1}, scheduler={"type": "none"})
    assert attempts == [1, 2]
    assert clock.now == 2.0 + 0.5 + 3.0  # half of the epoch went with the failure
    assert (sweep.totals.billed, sweep.totals.productive) == (5.5, 5.0)


def test_a_clock_that_nobody_moves_stands_still():
    clock = VirtualClock(5.0)
    assert clock() == clock() == 5.0


def test_a_trial_that_reports_no_cost_takes_no_time(make_sweep):
    def workload(trial):
        yield Report(1, 0.5)

    sweep, clock = simulate(make_sweep, workload, budget={"trials": 3}, scheduler={"type": "none"})
    assert clock.now == 0.0
    assert {trial.state for trial in sweep.history.trials.values()} == {State.COMPLETED}
