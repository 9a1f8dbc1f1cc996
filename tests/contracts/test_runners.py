"""What every runner keeps to, whichever process its trials run in.

`ray_tune` stands the same tests in tests/integration/test_runners.py.
"""

import time

import pytest

from sweeper.config.resources import ResourcesSpec
from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.events import TrialWished
from sweeper.store.history import replay
from sweeper.trial import State, Wish, canonical

STOP = {"type": "asha", "grace": 1, "reduction_factor": 3}
PROMOTE = STOP | {"kind": "promote"}
TPE = {"algorithm": "tpe", "seed": 7, "startup": 4}


RUNNERS = ["local", "simulated", "subprocess"]
pytestmark = pytest.mark.slow(reason="a worker process starts for each test")


@pytest.fixture
def drive_with(make_sweep, tmp_path):
    """Runs a sweep to its end by the runner of that name, one trial at a time."""

    def build(name, workload, pulse=lambda sweep: False, **sections):
        clock = VirtualClock() if name == "simulated" else time.monotonic
        sweep = make_sweep(clock=clock, **sections)
        options = {
            "simulated": {"clock": clock},
            "subprocess": {"resources": ResourcesSpec(), "log": tmp_path / "log"},
        }
        runner[name](**options.get(name, {}))(sweep, workload, lambda: pulse(sweep))
        sweep.close()
        return sweep

    return build


@pytest.fixture(params=RUNNERS)
def drive(request, drive_with):
    """The same by each runner in turn."""
    return lambda workload, **options: drive_with(request.param, workload, **options)


def reported(sweep):
    return sum(len(trial.reports) for trial in sweep.history.trials.values())


def standing(sweep):
    return [
        (t.number, canonical(t.config), t.state, [(r.epoch, r.score) for r in t.reports], t.verdicts)
        for t in sweep.history.trials.values()
    ]  # fmt: skip


@pytest.mark.parametrize("scheduler", [STOP, PROMOTE, {"type": "median", "min_trials": 2}], ids=str)
@pytest.mark.parametrize("search", [TPE, {"algorithm": "random", "seed": 7}], ids=["tpe", "random"])
def test_one_trial_at_a_time_all_runners_decide_alike(drive_with, toy_workload, search, scheduler):
    sections = {"search": search, "scheduler": scheduler, "budget": {"trials": 20}}
    found = [standing(drive_with(name, toy_workload(), **sections)) for name in RUNNERS]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 20
    assert State.STOPPED in {state for _, _, state, _, _ in found[0]}


def test_every_trial_reaches_a_final_state_and_the_record_tells_it_all(drive, toy_workload):
    sweep = drive(toy_workload(), scheduler=PROMOTE)
    assert sweep.history.closed == "done"
    assert len(sweep.history.trials) == 12
    assert all(trial.state.is_final for trial in sweep.history.trials.values())
    assert all(attempt.ended for attempt in sweep.history.attempts)
    assert replay(sweep.record.events()) == sweep.history


def test_a_trial_that_raises_fails_and_the_others_go_on(drive, toy_workload):
    good = toy_workload()

    def workload(trial):
        for report in good(trial):
            yield report
            if trial.number == 3:
                raise ValueError(f"attempt {trial.attempt} broke")

    sweep = drive(workload, scheduler={"type": "none"})
    states = [trial.state for trial in sweep.history.trials.values()]
    assert states == [State.FAILED if number == 3 else State.COMPLETED for number in range(12)]
    broken = list(sweep.history.trials.values())[3]
    assert [attempt.ended for attempt in broken.attempts] == ["error", "error"]
    assert broken.outcome.message == "ValueError: attempt 2 broke"
    assert [report.epoch for report in broken.reports] == [1, 2], "the second attempt goes on where it was"


def test_a_workload_that_cannot_start_breaks_the_sweep_and_not_the_runner(drive):
    def workload(trial):
        raise ImportError("no such library")
        yield

    sweep = drive(workload, budget={"trials": 50, "max_failed": 3})
    assert sweep.has_failed
    assert sweep.history.closed == "broken"
    assert len(sweep.history.trials) == 3


@pytest.mark.parametrize("scheduler", [{"type": "none"}, PROMOTE], ids=["none", "promote"])
@pytest.mark.parametrize("reports", [0, 1, 5, 8])
def test_a_cancelled_sweep_leaves_nothing_running_and_can_be_resumed(
    drive, make_rig, toy_workload, scheduler, reports
):
    sections = {"scheduler": scheduler, "budget": {"trials": 6}}
    sweep = drive(toy_workload(), pulse=lambda sweep: reported(sweep) >= reports, **sections)
    assert sweep.live == 0
    assert sweep.history.closed not in ("", "done")
    assert State.RUNNING not in {trial.state for trial in sweep.history.trials.values()}
    assert all(attempt.ended for attempt in sweep.history.attempts)
    whole, rest = make_rig(**sections), make_rig(events=list(sweep.record.lines()), **sections)
    whole.finish()
    rest.finish()
    assert [(t.number, t.state, len(t.reports)) for t in rest.trials] == [
        (t.number, t.state, len(t.reports)) for t in whole.trials
    ]


def test_a_stop_request_lets_trials_reach_their_next_report(drive, toy_workload):
    def pulse(sweep):
        if reported(sweep) == 9 + 9 + 3:
            sweep.stop("SIGINT")
        return False

    sweep = drive(toy_workload(), scheduler={"type": "none"}, pulse=pulse)
    states = [trial.state for trial in sweep.history.trials.values()]
    assert states == [State.COMPLETED, State.COMPLETED, State.WAITING]
    assert len(list(sweep.history.trials.values())[2].reports) == 4
    assert sweep.history.closed == "SIGINT"


@pytest.mark.parametrize("wish", [Wish.STOP, Wish.PAUSE])
def test_one_trial_is_stopped_or_paused_and_the_others_train_in_full(drive, toy_workload, wish):
    def pulse(sweep):
        if reported(sweep) == 9 + 3 and not trials(sweep)[1].wish:
            sweep.steer(TrialWished(trial=trials(sweep)[1].id, wish=wish, by="ana@desk"))
        return False

    def trials(sweep):
        return list(sweep.history.trials.values())

    sweep = drive(toy_workload(), scheduler={"type": "none"}, budget={"trials": 4}, pulse=pulse)
    ended = {Wish.STOP: State.STOPPED, Wish.PAUSE: State.WAITING}[wish]
    assert [(trial.state, len(trial.reports)) for trial in trials(sweep)] == [
        (ended, 4) if trial.number == 1 else (State.COMPLETED, 9) for trial in trials(sweep)
    ]
    assert sweep.history.closed == {Wish.STOP: "done", Wish.PAUSE: "paused"}[wish]


def test_every_runner_is_listed():
    assert {"local", "subprocess", "simulated", "ray_tune"} <= set(runner)
