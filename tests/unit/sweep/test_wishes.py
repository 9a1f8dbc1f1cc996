"""One trial is stopped or paused by hand; the others decide and end as if nothing had been typed."""

import pytest

from sweeper.errors import FailureKind
from sweeper.store.events import TrialWished
from sweeper.store.history import replay
from sweeper.trial import Cause, Decision, Outcome, State, Wish

NONE = {"type": "none"}
PROMOTE = {"type": "asha", "kind": "promote", "grace": 1, "reduction_factor": 3}
SMALL = {"budget": {"trials": 4}, "train": {"epochs": 9}, "scheduler": NONE}


def steer(rig, number, wish, by="ana@desk"):
    trial = rig.trials[number]
    rig.sweep.steer(TrialWished(trial=trial.id, wish=wish, by=by))
    return trial


def others(rig, number):
    return [(t.number, t.state, len(t.reports)) for t in rig.trials if t.number != number]


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_a_trial_is_stopped_at_its_next_report_and_the_record_says_by_whom(make_rig, algorithm):
    search = {"algorithm": algorithm, "seed": 7}
    rig, undisturbed = make_rig(search=search, **SMALL), make_rig(search=search, **SMALL)
    undisturbed.finish(workers=2)
    for _ in range(2):
        rig.start()
    for trial_id in list(rig.running):
        rig.step(trial_id)
    trial = steer(rig, 1, Wish.STOP)
    rig.finish(workers=2)
    assert (trial.state, len(trial.reports)) == (State.STOPPED, 2)
    epoch, verdict = trial.verdicts[-1]
    assert (epoch, verdict.decision, verdict.cause) == (2, Decision.STOP, Cause.USER)
    assert verdict.reason == "ana@desk typed `sweeper stop --trial 1`"
    assert others(rig, 1) == others(undisturbed, 1)
    assert rig.sweep.is_complete
    assert replay(rig.record.events()) == rig.sweep.history


def test_a_paused_trial_leaves_its_device_and_goes_on_only_when_somebody_says_so(make_rig):
    rig = make_rig(**SMALL)
    rig.start()
    rig.step(rig.trials[0].id)
    trial = steer(rig, 0, Wish.PAUSE)
    rig.step(trial.id)
    assert (trial.state, trial.is_held, rig.sweep.live) == (State.WAITING, True, 0)
    rig.finish()
    assert others(rig, 0) == [(n, State.COMPLETED, 9) for n in (1, 2, 3)]
    assert (len(trial.reports), rig.sweep.is_done, rig.sweep.is_complete) == (2, True, False)
    steer(rig, 0, Wish.RESUME)
    assert not rig.sweep.is_done
    rig.finish()
    assert (trial.state, len(trial.reports), len(trial.attempts)) == (State.COMPLETED, 9, 2)
    assert rig.sweep.is_complete


def test_a_sweep_that_has_only_paused_trials_left_is_closed_so_and_goes_on_after_a_resume(make_rig):
    rig = make_rig(**SMALL)
    rig.start()
    trial = steer(rig, 0, Wish.PAUSE)
    rig.finish()
    rig.sweep.close()
    assert rig.sweep.history.closed == "paused"
    later = make_rig(events=list(rig.record.lines()), **SMALL)
    later.finish()
    assert later.trials[0].is_held, "another launch does not let it go"
    steer(later, 0, Wish.RESUME)
    later.finish()
    later.sweep.close()
    assert later.trials[trial.number].state is State.COMPLETED
    assert later.sweep.history.closed == "done"


def test_a_pause_at_a_rung_is_no_wait_for_a_promotion(make_rig):
    rig = make_rig(**SMALL | {"scheduler": PROMOTE})
    rig.start()
    trial = steer(rig, 0, Wish.PAUSE)
    rig.finish()
    assert trial.is_held
    assert len(trial.reports) == 1
    steer(rig, 0, Wish.RESUME)
    rig.finish()
    assert len(trial.reports) > 1


def test_a_trial_that_does_not_run_is_stopped_at_once(make_rig):
    rig = make_rig(**SMALL)
    rig.start()
    trial = rig.trials[0]
    rig.step(trial.id)
    rig.fail(trial.id)
    assert trial.state is State.WAITING
    steer(rig, 0, Wish.STOP)
    assert trial.state is State.STOPPED
    assert trial.outcome == Outcome(
        State.STOPPED, FailureKind.INTERRUPTED, "ana@desk typed `sweeper stop --trial 0`"
    )
    rig.finish()
    assert [len(t.attempts) for t in rig.trials] == [1, 1, 1, 1]


def test_a_trial_to_stop_that_loses_its_worker_gets_no_other(make_rig):
    rig = make_rig(**SMALL)
    rig.start()
    trial = steer(rig, 0, Wish.STOP)
    rig.fail(trial.id)
    assert (trial.state, trial.ends[-1].message) == (State.STOPPED, "ana@desk typed `sweeper stop --trial 0`")


def test_a_trial_that_ends_anyway_ends_as_it_would(make_rig):
    rig = make_rig(**SMALL)
    rig.start()
    trial = rig.trials[0]
    for _ in range(8):
        rig.step(trial.id)
    steer(rig, 0, Wish.PAUSE)
    rig.finish()
    assert (trial.state, len(trial.reports)) == (State.COMPLETED, 9)


def test_a_driver_killed_after_the_wish_keeps_to_it(make_rig):
    rig = make_rig(**SMALL)
    rig.start()
    steer(rig, 0, Wish.STOP)
    later = make_rig(events=list(rig.record.lines()), **SMALL)
    assert later.trials[0].state is State.STOPPED
    later.finish()
    assert len(later.trials[0].reports) == 0


def test_a_driver_killed_between_the_wish_and_the_end_of_a_waiting_trial_ends_it_later(make_rig):
    rig = make_rig(**SMALL)
    rig.start()
    rig.fail(rig.trials[0].id)
    steer(rig, 0, Wish.STOP)
    lines = list(rig.record.lines())
    cut = next(n for n, line in enumerate(lines, start=1) if line.kind == "wished")
    later = make_rig(events=lines[:cut], **SMALL)
    assert later.trials[0].state is State.STOPPED
