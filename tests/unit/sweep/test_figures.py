import pytest

from sweeper.store.attempt import Attempt
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import totals
from sweeper.sweep.figures import sweep_figures, trial_figures
from sweeper.trial import Goal, Report


def trial(score=0.7, seconds=1800.0, price=None):
    made = TrialHistory("a", 0, {}, 1, reports=[Report(1, 0.2), Report(2, score)])
    made.attempts = [
        Attempt("a", 1, billed=seconds, productive=1500.0, usd_per_hour=price, ended="completed")
    ]
    return made


def test_a_trial_ends_with_its_best_its_cost_and_what_an_hour_brought():
    assert trial_figures(trial(price=2.0), Goal.MAXIMIZE, chance=0.5) == {
        "best/score": 0.7,
        "best/epoch": 2.0,
        "cost/device_seconds": 1800.0,
        "cost/gpu_hours": 0.5,
        "cost/usd": 1.0,
        "efficiency": pytest.approx(40.0),
    }


def test_a_loss_has_no_efficiency_and_an_unpriced_trial_no_money():
    found = trial_figures(trial(), Goal.MINIMIZE, chance=None)
    assert (found["best/score"], "efficiency" in found, "cost/usd" in found) == (0.2, False, False)


def test_the_figures_of_trials_and_sweep_add_up():
    trials = {f"{n}": trial(0.5 + n / 10, 100.0 * (n + 1)) for n in range(3)}
    history = SweepHistory(trials)
    for each in trials.values():
        history.settled += each.attempts
    found = sweep_figures(history, totals(history), Goal.MAXIMIZE, chance=0.1)
    assert found["cost/device_seconds"] == sum(each.device_seconds for each in trials.values()) == 600.0
    assert found["device_seconds"] == 4500.0, "productive, as in each trial's own curve"
    assert (found["best/score"], found["trials"]) == (0.7, 3.0)
