import json

import pytest
from click.testing import CliRunner

from sweeper.cli import sweeper
from sweeper.config.spec import parse_spec
from sweeper.cost import Overheads
from sweeper.plan.simulate import Machines, Summary, simulate
from sweeper.runners.parts.recorded_curves import ReplayedCurves
from sweeper.store.attempt import Grant
from sweeper.store.history import TrialHistory
from sweeper.trial import Report, State, Trial

TEXT = """
name: toy
dataset: {source: synthetic}
parameters:
  layers: {min: 1, max: 4}
  filters: {values: [16, 32], per: layers}
  learning_rate: {distribution: log_uniform_values, min: 1.0e-4, max: 1.0e-1}
train: {epochs: 9}
search: {algorithm: random}
scheduler: {type: asha}
budget: {trials: 30}
"""


def spec(*overrides):
    return parse_spec(TEXT, overrides=overrides)


def test_the_same_seed_gives_the_same_run():
    assert simulate(spec(), Machines(5), seed=3) == simulate(spec(), Machines(5), seed=3)


def test_early_stopping_saves_device_hours():
    with_asha = simulate(spec(), Machines(1), seed=1)
    without = simulate(spec("scheduler={type: none}"), Machines(1), seed=1)
    assert with_asha.device_hours < 0.7 * without.device_hours
    assert (with_asha.stopped > 0, without.stopped) == (True, 0)


def test_more_workers_take_less_wall_time_for_the_same_device_hours():
    one, ten = (simulate(spec("scheduler={type: none}"), Machines(n), seed=1) for n in (1, 10))
    assert ten.wall_hours < one.wall_hours / 5
    assert ten.device_hours == pytest.approx(one.device_hours)


def test_lost_workers_cost_attempts_but_no_trial():
    run = simulate(spec(), Machines(4, preemptions=60), seed=1)
    assert run.trials == 30
    assert run.attempts > 30


def test_a_node_that_dies_too_often_ends_its_trial_and_a_preempted_one_never_gives_up():
    lost = simulate(spec(), Machines(4, losses=300), seed=1)
    preempted = simulate(spec(), Machines(4, preemptions=300), seed=1)
    assert lost.completed + lost.stopped < 30
    assert preempted.completed + preempted.stopped == 30
    assert preempted.attempts > lost.trials


def test_what_is_lost_with_a_worker_is_paid_for():
    none = "scheduler={type: none}"
    quiet, faulty = (simulate(spec(none), Machines(4, preemptions=rate), seed=1) for rate in (0, 60))
    assert faulty.device_hours > 1.02 * quiet.device_hours


def test_overheads_and_shares_are_billed():
    none = "scheduler={type: none}"
    bare = simulate(spec(none), Machines(4), seed=1)
    beside = simulate(spec(none), Machines(4, overheads=Overheads(worker=100, attempt=1, epoch=2)), seed=1)
    more = (4 * 100 + 30 * 1 + 30 * 9 * 2) / 3600
    assert beside.device_hours == pytest.approx(bare.device_hours + more)
    half = simulate(spec(none), Machines(4, Grant(share=0.5)), seed=1)
    assert half.device_hours == pytest.approx(bare.device_hours)  # reports are in device-seconds
    assert half.wall_hours == pytest.approx(2 * bare.wall_hours)


@pytest.mark.slow(reason="thousands of trials")
def test_ten_times_the_trials_take_about_ten_times_the_work(lines_run):
    def lines(trials):
        return lines_run(lambda: simulate(spec(f"budget.trials={trials}"), Machines(100), seed=1))

    lines(20)
    assert lines(1000) < 20 * lines(100)


def test_rungs_say_how_many_trials_were_judged_there():
    rungs = simulate(spec(), Machines(4), seed=1).rungs
    assert list(rungs) == [1, 3]
    assert rungs[1] == 30 > rungs[3] > 0


def test_a_promoting_asha_finishes_with_paused_trials_counted_as_stopped():
    run = simulate(spec("scheduler={type: asha, kind: promote}"), Machines(3), seed=1)
    assert run.stopped >= 15


@pytest.mark.parametrize("trials", [1, 2, 4, 8, 12])
def test_promotion_brings_one_of_few_trials_to_its_end(trials):
    few = spec("scheduler={type: asha, kind: promote}", "train.epochs=27", f"budget.trials={trials}")
    for seed in range(3):
        run = simulate(few, Machines(4), seed=seed)
        assert (run.trials, run.completed) == (trials, max(run.completed, 1))
        assert simulate(few, Machines(1), seed=seed).completed >= 1


def test_a_replayed_trial_takes_the_curve_of_the_nearest_configuration():
    configs = [{"layers": 1, "filters": [16], "learning_rate": 1e-3}, {"layers": 4, "filters": [32] * 4}]
    recorded = [
        TrialHistory(str(number), number, config, 0, reports=[Report(1, 0.1 * (number + 1), 5.0)])
        for number, config in enumerate(configs)
    ]
    replayed = ReplayedCurves(spec().space, recorded)
    near = Trial("x", 9, {"layers": 3, "filters": [32] * 3, "learning_rate": 1e-3}, 0)
    assert [report.score for report in replayed(near)] == [0.2]


def test_a_curve_that_early_stopping_cut_goes_on_at_its_own_pace_and_keeps_its_last_score():
    """Six full trials cost a quarter less than they take: cut curves ended where they had ended."""
    config = {"layers": 1, "filters": [16], "learning_rate": 1e-3}
    reports = [Report(epoch, 0.1 * epoch, 5.0 * epoch) for epoch in (1, 2, 3)]

    def replayed(state):
        told = TrialHistory("t", 0, config, 0, reports=reports, state=state)
        return ReplayedCurves(spec().space, [told], 9)

    cut = replayed(State.STOPPED)
    assert cut.cut == 1
    assert [(r.epoch, r.score, r.device_seconds) for r in cut(Trial("x", 9, config, 0))][2:] == [
        (epoch, pytest.approx(0.3), 5.0 * epoch) for epoch in range(3, 10)
    ]
    assert [r.epoch for r in cut(Trial("x", 9, config, 0, checkpoint="6"))] == [7, 8, 9]
    for whole in (State.COMPLETED, State.FAILED):
        assert replayed(whole).cut == 0
        assert len(list(replayed(whole)(Trial("x", 9, config, 0)))) == 3
    patient = spec("scheduler={type: none}", "budget.trials=6")
    run = simulate(patient, Machines(1), seed=1, curves=cut)
    assert run.device_hours == pytest.approx(6 * 45 / 3600)


def test_an_interval_needs_two_seeds():
    assert Summary.of([1.0]) == Summary(1.0, 0.0)
    assert Summary.of([1.0, 3.0]).half_width == pytest.approx(1.96)


def test_the_verb_compares_settings_side_by_side(tmp_path):
    file = tmp_path / "toy.yaml"
    file.write_text(TEXT)
    words = ["simulate", str(file), "--seeds", "2", "--compare", "scheduler.type=none", "--json"]
    result = CliRunner().invoke(sweeper, words, catch_exceptions=False)
    rows = json.loads(result.stdout)
    assert [row["settings"] for row in rows] == ["as written", "scheduler.type=none"]
    assert {len(row["runs"]) for row in rows} == {2}
