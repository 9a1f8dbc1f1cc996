import pytest

from sweeper.schedulers import scheduler
from sweeper.store.attempt import Attempt
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.sweep.cost_forecast import Forecast
from sweeper.trial import Goal, Report

CONFIG = {"layers": 3, "learning_rate": 0.01}


def forecast(toy_spec, **options):
    spec = toy_spec()
    options = {"type": "asha", "grace": 2, "reduction_factor": 3, **options}
    return Forecast(spec, scheduler[options.pop("type")](Goal.MAXIMIZE, spec.train.epochs, **options))


def trial(epochs=0, pace=10.0, name="t", **fields):
    reports = [Report(epoch, 0.5, pace * epoch) for epoch in range(1, epochs + 1)]
    return TrialHistory(name, 0, CONFIG, 0, reports=reports, **fields)


def test_before_any_trial_has_reported_nothing_is_foreseen(toy_spec):
    assert forecast(toy_spec).start(CONFIG) == 0.0


def test_a_new_trial_costs_its_epochs_to_the_first_rung_at_the_pace_of_others(toy_spec):
    ahead = forecast(toy_spec)
    ahead.learn(trial(1))
    assert ahead.start(CONFIG) == pytest.approx(20.0)
    assert ahead.in_full([CONFIG, CONFIG]) == pytest.approx(180.0)


def test_one_that_runs_is_foreseen_by_its_own_pace_to_its_next_rung(toy_spec):
    ahead = forecast(toy_spec)
    ahead.learn(trial(1, name="other"))
    assert ahead.onwards(CONFIG, trial(2, pace=5.0)) == pytest.approx(20.0), "four epochs to the rung at six"
    assert ahead.onwards(CONFIG, trial(6, pace=5.0)) == pytest.approx(15.0), "no rung is left: to its end"
    assert ahead.onwards(CONFIG, trial(9)) == 0.0


def test_rungs_in_device_seconds_are_reached_with_the_epoch_that_passes_them(toy_spec):
    ahead = forecast(toy_spec, resource="device_seconds", grace=25, max=1000)
    ahead.learn(trial(1))
    assert ahead.start(CONFIG) == pytest.approx(30.0)
    assert ahead.onwards(CONFIG, trial(3)) == pytest.approx(50.0), "from 30 to 75, in epochs of ten"


def test_a_final_run_costs_all_its_epochs(toy_spec):
    assert forecast(toy_spec).onwards(CONFIG, trial(2, is_final_run=True)) == pytest.approx(70.0)


def test_what_attempts_held_and_did_not_train_comes_on_top(toy_spec):
    ahead = forecast(toy_spec)
    ahead.learn(trial(1))
    history = SweepHistory()
    for billed in (12.0, 16.0):
        history.settled.append(Attempt("t", 1, share=0.5, billed=billed, productive=10.0, ended="completed"))
        ahead.look(history)
    assert ahead.start(CONFIG) == pytest.approx(20.0 + 0.5 * (2.0 + 6.0) / 2)
    assert ahead.onwards(CONFIG, trial(2)) == pytest.approx(40.0), "who runs has been set up"


def test_the_first_report_of_a_trial_teaches_and_one_without_a_cost_does_not(toy_spec):
    ahead = forecast(toy_spec)
    ahead.learn(trial(1, pace=0.0))
    assert ahead.pace(CONFIG) == 0.0
    ahead.learn(trial(1))
    ahead.learn(trial(2, pace=99.0))
    assert ahead.pace(CONFIG) == pytest.approx(10.0)
