import random
from dataclasses import asdict

import pytest

from sweeper.errors import FailureKind
from sweeper.launch.live_snapshot import Driven, LiveSnapshot, moment_of, snapshot_of
from sweeper.store.attempt import Grant
from sweeper.store.history import TrialHistory
from sweeper.sweep.ranking import best_of
from sweeper.trial import Goal, Outcome, Report, State
from sweeper.wording import config_text, value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (0.0031234, "0.00312"), (0.5, "0.5"), ("adam", "adam"), ([16, 32, 64], "16-32-64"),
     ([0.1, 0.25], "0.1-0.25"), (True, "True"), (1e-5, "1e-05"), ([], "")],
)  # fmt: skip
def test_a_value_is_short_enough_for_a_table(value, text):
    assert value_text(value) == text


def test_a_trial_is_called_by_its_points_name_or_else_by_its_configuration():
    config = {"layers": 3, "learning_rate": 0.00312345}
    assert config_text(config) == "layers=3 learning_rate=0.00312"
    assert TrialHistory("t", 0, config, 1).label == config_text(config)
    assert TrialHistory("t", 0, config, 1, point="study-1").label == "study-1"


def test_what_happens_to_trials_is_shown_as_it_is_written(make_rig):
    rig = make_rig(budget={"trials": 2}, scheduler={"type": "none"}, train={"epochs": 2})
    moments = []
    rig.sweep.listen(lambda event, history: moments.append(moment_of(event, history)))
    first = rig.start()
    rig.step(first.id)
    rig.fail(first.id, "preempted")
    rig.start()
    rig.sweep.report(first.id, Report(2, 0.4, 0.1))
    rig.sweep.tell(first.id, Outcome(State.COMPLETED))
    shown = [(moment.kind, moment.number, moment.epoch, moment.attempt) for moment in moments if moment]
    assert shown == [
        ("started", 0, 0, 1), ("reported", 0, 1, 1), ("started", 0, 1, 2), ("reported", 0, 2, 2),
        ("ended", 0, 2, 2),
    ]  # fmt: skip
    assert moments[-1].outcome.state is State.COMPLETED


def trials_with(rig, *scores):
    for score in scores:
        trial = rig.start()
        if score is not None:
            rig.sweep.report(trial.id, Report(1, score, 0.1))
        rig.sweep.tell(trial.id, Outcome(State.COMPLETED))


@pytest.mark.parametrize(
    ("objective", "scores", "number"),
    [
        ("valid/top1", [0.1, 0.5, 0.3], 1),
        ("valid/loss", [0.1, 0.5, 0.3], 0),
        ("valid/top1", [0.5, 0.5], 0),
        ("valid/top1", [None, float("nan"), 0.1, float("inf")], 2),
        ("valid/top1", [None, None], None),
    ],
)
def test_the_best_trial_is_the_first_with_the_best_finite_score(make_rig, objective, scores, number):
    rig = make_rig(objective={"metric": objective}, scheduler={"type": "none"})
    trials_with(rig, *scores)
    best = best_of(rig.sweep.history, rig.spec.objective.goal)
    assert (best.number if best else None) == number


def test_of_equal_trials_the_cheaper_is_the_best(make_rig):
    rig = make_rig(scheduler={"type": "none"})
    for seconds in (5.0, 2.0, 3.0):
        trial = rig.start()
        rig.clock.now += seconds
        rig.sweep.report(trial.id, Report(1, 0.5, seconds))
        rig.sweep.tell(trial.id, Outcome(State.COMPLETED))
    assert best_of(rig.sweep.history, Goal.MAXIMIZE).number == 1


def test_a_snapshot_says_how_everything_stands(make_rig):
    rig = make_rig(
        budget={"trials": 10, "gpu_hours": 1.0},
        scheduler={"type": "none"},
        grant=Grant(is_gpu=True, share=0.5),
    )
    trials_with(rig, 0.2, 0.6)
    running = rig.start()
    rig.step(running.id)
    waiting = rig.start()
    rig.fail(waiting.id, "preempted")
    rig.clock.now += 100
    rig.sweep.beat()
    seen = snapshot_of(rig.sweep, undelivered=4, problem="server down")
    assert (seen.sweep, seen.metric, seen.is_maximized, seen.planned) == ("toy", "valid/top1", True, 10)
    assert seen.states == {State.COMPLETED: 2, State.RUNNING: 1, State.WAITING: 1}
    assert [standing.number for standing in seen.running] == [running.number]
    assert (seen.best.number, seen.best.score) == (1, 0.6)
    assert seen.reports == 3
    assert seen.has_gpu
    assert seen.billed_device_seconds == pytest.approx(50, abs=0.1)
    assert (seen.undelivered, seen.tracking_problem) == (4, "server down")
    assert seen.elapsed_seconds == pytest.approx(100, abs=0.1)


def test_the_time_left_counts_from_the_first_trial_and_one_that_runs_as_half_of_one(make_rig):
    """40 s before the end it said 12 min: the start of Ray had been taken for the pace of trials."""
    rig = make_rig(scheduler={"type": "none"}, budget={"trials": 10, "wall_hours": 1.0})
    rig.clock.now += 1000.0
    assert snapshot_of(rig.sweep).eta_seconds == pytest.approx(2600.0), "only the clock's limit is known"
    trials_with(rig, 0.2, 0.6, 0.3)
    rig.start()
    rig.clock.now = 1035.0
    assert snapshot_of(rig.sweep).eta_seconds == pytest.approx(35 * (10 / 3.5 - 1), abs=0.1)


def test_a_snapshot_of_an_empty_sweep_has_nothing_to_say(make_rig):
    seen = snapshot_of(make_rig().sweep)
    assert seen.best is None
    assert seen.running == ()
    assert seen.eta_seconds is None
    assert seen.reports == 0


SWEEPS = {
    "plain": {"scheduler": {"type": "none"}},
    "loss": {"objective": {"metric": "valid/loss"}, "scheduler": {"type": "none"}},
    "repeats": {"search": {"repeats": 2}, "scheduler": {"type": "none"}},
    "promotions": {"scheduler": {"type": "asha", "grace": 1, "reduction_factor": 2, "kind": "promote"}},
    "final": {"scheduler": {"type": "none"}, "final": {"top": 1, "seeds": 2}, "budget": {"trials": 3}},
}
ENDS = [
    Outcome(State.COMPLETED),
    Outcome(State.PAUSED),
    Outcome(State.FAILED, FailureKind.ERROR, "broken"),
    Outcome(State.FAILED, FailureKind.PREEMPTED, "gone"),
]


def _next(rig, dice: random.Random) -> None:
    """One thing that can happen to a sweep."""
    live = [trial for trial in rig.sweep.history.trials.values() if trial.state is State.RUNNING]
    rig.clock.now += dice.random()
    happening = dice.random()
    if happening < 0.3 or not live:
        rig.start()
    elif happening < 0.4:
        rig.sweep.beat()
    elif happening < 0.45:
        rig.sweep.book("image stores", dice.random())
    elif happening < 0.85:
        trial = dice.choice(live)
        epoch = (trial.last.epoch if trial.last else 0) + 1
        score = dice.choice([0.1, 0.5, dice.random(), float("nan")])
        rig.sweep.report(trial.id, Report(epoch, score, 0.3 * epoch, checkpoint=dice.choice([None, "c"])))
    else:
        rig.sweep.tell(dice.choice(live).id, dice.choice(ENDS))


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("seed", range(8))
def test_a_snapshot_kept_up_to_date_equals_one_made_anew(make_rig, name, seed):
    dice = random.Random(seed)  # noqa: S311
    grant = Grant(is_gpu=bool(seed % 2), usd_per_hour=[None, 1.5][seed % 2])
    rig = make_rig(
        **{"budget": {"trials": 12, "gpu_hours": 1.0}, "train": {"epochs": 4}, **SWEEPS[name]}, grant=grant
    )
    live = LiveSnapshot(Driven(rig.sweep))
    rig.sweep.listen(live.on_event)
    for _ in range(80):
        _next(rig, dice)
        if dice.random() < 0.5:
            kept, anew = (asdict(each) for each in (live.take(), snapshot_of(rig.sweep)))
            for field in ("billed_device_seconds", "productive_device_seconds", "usd", "eta_seconds"):
                assert kept.pop(field) == pytest.approx(anew.pop(field)), field
            del kept["eta_range"], anew["eta_range"]  # only who watched knows what was foretold
            assert kept.pop("budgets") == pytest.approx(anew.pop("budgets"))
            assert kept == anew
