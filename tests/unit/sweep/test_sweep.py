import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sweeper.config.spec import parse_spec
from sweeper.errors import FailureKind
from sweeper.search import searcher
from sweeper.store.attempt import Grant
from sweeper.store.event_lines import line_of
from sweeper.store.history import replay
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, State, canonical

SMALL = {"budget": {"trials": 6}, "train": {"epochs": 9}}
STOP = {"type": "asha", "grace": 1, "reduction_factor": 3}
PROMOTE = STOP | {"kind": "promote"}
TIES = {"ties": "together"}
IMAGES = {"valid_images": "[8, 8]"}
BY_COST = {"type": "asha", "resource": "device_seconds", "grace": 0.05, "max": 0.4}
SEVERAL = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a seed does not shrink
)
SEEDS = st.integers(0, 2**32)
DISCRETE = {"layers": {"min": 1, "max": 5}, "optimizer": {"values": ["sgd", "adam"]}}


class Diary:
    """A searcher that proposes 0.001, 0.002, ... and writes down what it hears."""

    latest: "Diary"

    def __init__(self) -> None:
        self.heard: list[tuple] = []
        Diary.latest = self

    def suggest(self, number):
        self.heard.append(("suggest", number))
        return {"learning_rate": round(0.001 * (number + 1), 6), "layers": 3}

    def register(self, number, config):
        self.heard.append(("register", number))

    def on_report(self, number, epoch, score):
        self.heard.append(("on_report", number, epoch, score))

    def on_complete(self, number, state, score, cost=0.0):
        self.heard.append(("on_complete", number, state, score))

    def of(self, kind):
        return [entry[1:] for entry in self.heard if entry[0] == kind]


@searcher("diary")
def diary(space, goal, seed):
    """Only here."""
    return Diary()


def standing(rig):
    """What must not depend on where the driver was killed."""
    return [
        (trial.number, canonical(trial.config), trial.seed, trial.state, [r.epoch for r in trial.reports])
        for trial in rig.trials
    ]


def boundaries(events):
    """Where a kill can cut the log: between appends; a report and its decision are one."""
    return [n for n in range(len(events) + 1) if n == len(events) or events[n].kind != "decided"]


def told(record: Record, kind: str) -> Counter:
    return Counter(row.trial for row in record.pending(100_000) if row.kind == kind)


def test_every_trial_is_asked_for_once_and_ends(make_rig):
    rig = make_rig()
    rig.finish(workers=3)
    assert [trial.number for trial in rig.trials] == list(range(12))
    assert len({trial.id for trial in rig.trials}) == 12
    assert len({canonical(trial.config) for trial in rig.trials}) == 12
    assert len({trial.seed for trial in rig.trials}) == 12
    assert {trial.state for trial in rig.trials} == {State.COMPLETED, State.STOPPED}
    assert len(rig.started) == 12
    assert rig.sweep.is_done
    assert rig.sweep.ask() is None


def test_the_same_seed_gives_the_same_sweep_and_another_another(make_rig):
    rigs = [make_rig(search={"algorithm": "random", "seed": seed}) for seed in (1, 1, 2)]
    for rig in rigs:
        rig.finish()
    assert standing(rigs[0]) == standing(rigs[1])
    assert standing(rigs[0]) != standing(rigs[2])


@pytest.mark.slow(reason="a sweep is replayed after each of its events")
@pytest.mark.parametrize("algorithm", ["random", "tpe"])
@pytest.mark.parametrize("scheduler", [STOP, PROMOTE, BY_COST], ids=["stop", "promote", "cost"])
def test_a_driver_killed_after_any_event_ends_as_the_undisturbed_one(make_rig, algorithm, scheduler):
    options = {"startup": 2} if algorithm == "tpe" else {}
    sections = SMALL | {"search": {"algorithm": algorithm, "seed": 7, **options}, "scheduler": scheduler}
    whole = make_rig(**sections)
    whole.finish()
    events = list(whole.record.lines())
    for cut in boundaries(events):
        rig = make_rig(events=events[:cut], **sections)
        rig.finish()
        assert standing(rig) == standing(whole), f"cut behind event {cut}: {events[cut - 1 : cut + 1]}"


@pytest.mark.slow(reason="a sweep is replayed after each of its events")
@pytest.mark.parametrize("scheduler", [STOP | TIES, PROMOTE | TIES], ids=["stop", "promote"])
def test_near_ties_that_went_on_together_do_so_after_a_kill(make_rig, scheduler):
    sections = SMALL | {"scheduler": scheduler, "meta": IMAGES}
    whole, by_rank = make_rig(**sections), make_rig(**SMALL, scheduler=scheduler | {"ties": "rank"})
    for rig in (whole, by_rank):
        rig.finish()
    assert standing(whole) != standing(by_rank), "16 images leave much to chance"
    events = list(whole.record.lines())
    for cut in boundaries(events):
        rig = make_rig(events=events[:cut], **sections)
        rig.finish()
        assert standing(rig) == standing(whole), f"cut behind event {cut}: {events[cut - 1 : cut + 1]}"


@pytest.mark.parametrize("scheduler", [STOP, PROMOTE], ids=["stop", "promote"])
def test_no_trial_is_lost_and_no_epoch_told_twice_with_several_workers(make_rig, scheduler):
    sections = SMALL | {"scheduler": scheduler}
    whole = make_rig(**sections)
    whole.finish(workers=3)
    whole.sweep.close()
    events = list(whole.record.lines())
    for cut in boundaries(events):
        rig = make_rig(events=events[:cut], **sections)
        rig.finish(workers=2)
        rig.sweep.close()
        assert [trial.number for trial in rig.trials] == list(range(6))
        assert all(trial.state.is_final for trial in rig.trials), cut
        for trial in rig.trials:
            assert [report.epoch for report in trial.reports] == list(range(1, len(trial.reports) + 1))
            numbers = [attempt.number for attempt in trial.attempts]
            assert numbers == list(range(1, len(numbers) + 1)), cut


@SEVERAL
@given(seed=SEEDS, kind=st.sampled_from([STOP, PROMOTE, BY_COST]))
def test_kills_and_failures_at_random_leave_a_whole_sweep(make_rig, seed, kind):
    random = np.random.default_rng(seed)
    rig = make_rig(scheduler=kind, budget={"trials": 8, "max_failed": 8})
    for _ in range(60):
        action = random.random()
        running = list(rig.running)
        if action < 0.3:
            rig.start()
        elif action < 0.4:
            rig.sweep.beat()
        elif action < 0.45:
            rig.kill()
        elif running and action < 0.52:
            rig.fail(random.choice(running), random.choice(["worker_lost", "error", "preempted"]))
        elif running:
            rig.step(random.choice(running))
        rig.clock.now += random.random() / 100
    rig.finish(workers=2)
    rig.sweep.close()
    assert [trial.number for trial in rig.trials] == list(range(8))
    assert all(trial.state.is_final for trial in rig.trials)
    for trial in rig.trials:
        assert [report.epoch for report in trial.reports] == list(range(1, len(trial.reports) + 1))
        assert all(attempt.ended for attempt in trial.attempts)
        assert all(0 <= attempt.productive <= attempt.billed for attempt in trial.attempts)
    started = Counter(trial.id for trial in rig.started)
    assert (
        told(rig.record, "run") == started
    )  # once an attempt, so that a trial that goes on is running again
    assert {told(rig.record, "end")[trial.id] for trial in rig.trials} == {1}
    assert replay(rig.record.events()) == rig.sweep.history


def test_the_search_hears_of_each_trial_once_and_in_the_order_of_the_record(make_rig):
    rig = make_rig(search={"algorithm": "diary", "seed": 0}, scheduler=STOP, budget={"trials": 6})
    rig.finish(workers=2)
    live = Diary.latest
    assert sorted(number for number, *_ in live.of("on_complete")) == list(range(6))
    assert len(live.of("on_report")) == len(set(live.of("on_report")))
    rig.kill()
    resumed = Diary.latest
    assert resumed is not live
    assert [number for (number,) in resumed.of("register")] == list(range(6))
    assert resumed.of("on_report") == live.of("on_report")
    assert resumed.of("on_complete") == live.of("on_complete")
    assert resumed.of("suggest") == []


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("scheduler", ["asha", "median", "none"])
def test_a_score_that_is_no_number_stops_the_trial_and_never_reaches_the_search(make_rig, score, scheduler):
    rig = make_rig(search={"algorithm": "diary", "seed": 0}, scheduler={"type": scheduler})
    trial = rig.start()
    assert rig.sweep.report(trial.id, Report(1, 0.5)) is Decision.CONTINUE
    assert rig.sweep.report(trial.id, Report(2, score)) is Decision.STOP
    rig.sweep.tell(trial.id, Outcome(State.STOPPED))
    assert Diary.latest.of("on_report") == [(0, 1, 0.5)]
    assert Diary.latest.of("on_complete") == [(0, State.STOPPED, 0.5)]
    rig.kill()
    assert Diary.latest.of("on_report") == [(0, 1, 0.5)]
    assert all(math.isfinite(entry[-1]) for entry in Diary.latest.of("on_complete"))


def test_a_trial_without_any_number_is_told_without_a_score(make_rig):
    rig = make_rig(search={"algorithm": "diary", "seed": 0})
    trial = rig.start()
    assert rig.sweep.report(trial.id, Report(1, math.nan)) is Decision.STOP
    rig.sweep.tell(trial.id, Outcome(State.STOPPED))
    assert Diary.latest.of("on_complete") == [(0, State.STOPPED, None)]


# the space ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["random", "grid", "tpe"])
def test_a_discrete_space_is_run_in_full_once_and_then_ends(make_rig, algorithm):
    rig = make_rig(
        parameters=DISCRETE, search={"algorithm": algorithm, "seed": 1}, budget={"trials": 50},
        scheduler={"type": "none"},
    )  # fmt: skip
    rig.finish(workers=2)
    assert len(rig.trials) == 10
    assert len({canonical(trial.config) for trial in rig.trials}) == 10
    assert rig.sweep.is_done


@pytest.mark.slow(reason="TPE draws until it meets the last of 60 configurations")
@pytest.mark.parametrize("algorithm", ["random", "grid", "tpe"])
def test_a_larger_discrete_space_loses_no_configuration_to_bad_luck(make_rig, algorithm):
    space = {"layers": {"min": 1, "max": 5}, "pixels": {"min": 1, "max": 12}}
    rig = make_rig(
        parameters=space, search={"algorithm": algorithm, "seed": 1}, budget={"trials": 99},
        scheduler={"type": "none"}, train={"epochs": 1}, workload=one_epoch,
    )  # fmt: skip
    rig.finish(workers=2)
    assert len({canonical(trial.config) for trial in rig.trials}) == 60


def one_epoch(trial):
    yield Report(1, trial.config["layers"] - abs(trial.config["pixels"] - 10) / 10, 0.01)


@pytest.mark.parametrize("algorithm", ["random", "grid", "tpe"])
def test_a_refused_configuration_is_replaced(make_sweep, algorithm):
    sweep = make_sweep(
        parameters=DISCRETE, search={"algorithm": algorithm, "seed": 1},
        validate_config=lambda config: "too deep" if config["layers"] > 3 else "",
    )  # fmt: skip
    configs = [trial.config for trial in iter(sweep.ask, None)]
    assert len(configs) == 6
    assert all(config["layers"] <= 3 for config in configs)


def test_points_come_first_in_their_order_with_their_names_and_the_rest_is_drawn(make_sweep):
    points = [
        {"name": "study-1", "layers": 2, "learning_rate": 0.01},
        {"layers": 5},
        {"name": "again", "layers": 2, "learning_rate": 0.01},
    ]
    sweep = make_sweep(points=points, budget={"trials": 5})
    trials = [sweep.ask() for _ in range(5)]
    assert [trial.point for trial in trials] == ["study-1", None, "again", None, None]
    assert trials[0].config == {"layers": 2, "learning_rate": 0.01}
    assert trials[1].config["layers"] == 5
    assert 1e-4 <= trials[1].config["learning_rate"] <= 1e-1
    assert trials[0].id != trials[2].id
    assert sweep.ask() is None


def test_points_are_not_run_twice_by_a_resumed_sweep(make_rig):
    rig = make_rig(points=[{"layers": 2}, {"layers": 4}, {"layers": 1}], budget={"trials": 4})
    rig.start()
    rig.start()
    rig.kill()
    rig.finish()
    assert [trial.config["layers"] for trial in rig.trials][:3] == [2, 4, 1]
    assert len(rig.trials) == 4


def test_points_beyond_the_budget_wait(make_sweep):
    sweep = make_sweep(points=[{"layers": 1}, {"layers": 2}], budget={"trials": 1})
    assert sweep.ask().config["layers"] == 1
    assert sweep.ask() is None


# attempts -------------------------------------------------------------------------------------------


def test_a_word_of_an_attempt_that_is_over_is_refused(make_rig):
    rig = make_rig()
    trial = rig.start()
    rig.step(trial.id)
    rig.fail(trial.id, "preempted")
    again = rig.start()
    assert (again.id, again.attempt, again.checkpoint) == (trial.id, 2, f"{trial.id}@1")
    before = list(rig.record.lines())
    assert rig.sweep.report(trial.id, Report(2, 0.9), attempt=1) is Decision.STOP
    rig.sweep.tell(trial.id, Outcome(State.COMPLETED), attempt=1)
    assert rig.sweep.report("nobody", Report(1, 0.9)) is Decision.STOP
    rig.sweep.tell("nobody", Outcome(State.COMPLETED))
    assert list(rig.record.lines()) == before
    assert rig.sweep.report(trial.id, Report(2, 0.9), attempt=2) is not Decision.STOP


def test_a_second_word_on_an_end_is_ignored(make_rig):
    rig = make_rig()
    trial = rig.start()
    rig.sweep.tell(trial.id, Outcome(State.COMPLETED))
    rig.sweep.tell(trial.id, Outcome(State.FAILED, FailureKind("error")))
    assert rig.trials[0].state is State.COMPLETED


@pytest.mark.parametrize(
    ("kind", "attempts"),
    [("error", 2), ("out_of_memory", 2), ("worker_lost", 6), ("node_lost", 6), ("storage", 6), ("hung", 6),
     ("diverged", 1), ("unheard of", 1)],
)  # fmt: skip
def test_each_cause_of_failure_has_its_own_budget(make_rig, kind, attempts):
    rig = make_rig(budget={"trials": 1})
    for number in range(1, attempts + 1):
        trial = rig.start()
        assert trial.attempt == number
        rig.fail(trial.id, kind, message=f"no {number}")
    assert rig.start() is None
    assert rig.trials[0].state is State.FAILED
    assert rig.trials[0].outcome.kind == kind


def test_a_preempted_trial_is_never_given_up(make_rig):
    rig = make_rig(budget={"trials": 1})
    for _ in range(50):
        rig.fail(rig.start().id, "preempted", "the node goes away", "Notice@driver.py:1")
    rig.finish()
    assert rig.trials[0].state is State.COMPLETED
    assert len(rig.trials[0].attempts) == 51


def test_causes_do_not_share_their_budgets(make_rig):
    rig = make_rig(budget={"trials": 1})
    for kind in ("error", "worker_lost", "out_of_memory", "preempted", "worker_lost"):
        rig.fail(rig.start().id, kind, message=kind)
        assert rig.trials[0].state is State.WAITING
    rig.fail(rig.start().id, "error", message="another")
    assert rig.trials[0].state is State.FAILED


def test_a_failure_before_the_device_was_granted_counts_like_any_other(make_rig):
    rig = make_rig(budget={"trials": 1})
    for _ in range(20):
        trial = rig.sweep.ask()
        if trial is None:
            break
        rig.sweep.tell(
            trial.id, Outcome(State.FAILED, FailureKind("worker_lost"), "never came up"), trial.attempt
        )
    assert rig.trials[0].state is State.FAILED
    assert trial is None


def test_two_failures_of_one_cause_are_quarantined(make_rig):
    rig = make_rig(budget={"trials": 1})
    rig.fail(rig.start().id, "hung", "no sign of life in epoch 3", "Hang@loop.py:7")
    rig.fail(rig.start().id, "hung", "no sign of life in epoch 4", "Hang@loop.py:7")
    assert rig.trials[0].state is State.FAILED
    rig.kill()
    assert rig.sweep.ask() is None


def test_a_cause_outside_the_trial_is_not_held_against_it(make_rig):
    rig = make_rig(budget={"trials": 1})
    for _ in range(5):
        rig.fail(rig.start().id, "storage", "no space left on device", "OSError@checkpoint.py:9")
        assert rig.trials[0].state is State.WAITING


def test_failures_of_different_causes_are_not_quarantined(make_rig):
    rig = make_rig(budget={"trials": 1})
    rig.fail(rig.start().id, "hung", "same words", "Hang@loop.py:7")
    rig.fail(rig.start().id, "hung", "same words", "Hang@data.py:9")
    assert rig.trials[0].state is State.WAITING


def test_a_configuration_that_needs_more_memory_than_there_is_is_told_as_infeasible(make_rig):
    rig = make_rig(search={"algorithm": "diary", "seed": 0}, budget={"trials": 1})
    for _ in range(2):
        rig.fail(rig.start().id, "out_of_memory")
    assert rig.trials[0].state is State.FAILED
    assert Diary.latest.of("on_complete") == [(0, State.INFEASIBLE, None)]


def test_failure_budgets_survive_a_restart_of_the_driver(make_rig):
    rig = make_rig(budget={"trials": 1})
    rig.fail(rig.start().id, "error", "first")
    rig.kill()
    rig.start()
    rig.kill()
    rig.fail(rig.start().id, "error", "second")
    assert rig.trials[0].state is State.FAILED
    assert [attempt.ended for attempt in rig.trials[0].attempts] == ["error", "driver_lost", "error"]


# the breaker ----------------------------------------------------------------------------------------


def fail_all(rig, count):
    for number in range(count):
        trial = rig.start()
        if trial is None:
            return
        rig.fail(trial.id, "error", f"{number}", "ValueError@net.py:7")
        rig.start()
        rig.fail(trial.id, "error", f"{number}", "ValueError@net.py:7")


def test_trials_that_diverge_do_not_stop_the_sweep(make_rig):
    rig = make_rig(budget={"trials": 12, "max_failed": 2})
    for _ in range(3):
        rig.fail(rig.start().id, "diverged", "the loss is nan")
    assert not rig.sweep.has_failed


def test_the_sweep_stops_when_the_first_trials_all_fail(make_rig):
    rig = make_rig(budget={"trials": 12, "max_failed": 4})
    fail_all(rig, 3)
    assert not rig.sweep.has_failed
    fail_all(rig, 1)
    assert rig.sweep.has_failed
    assert rig.sweep.is_done
    assert rig.sweep.ask() is None
    rig.sweep.close()
    assert rig.sweep.history.closed == "broken"
    rig.kill()
    assert rig.sweep.has_failed


def test_a_diverged_trial_among_the_first_does_not_hide_that_all_others_fail(make_rig):
    rig = make_rig(budget={"trials": 60, "max_failed": 4}, scheduler={"type": "none"})
    while trial := rig.start():
        rig.end(
            trial.id, Outcome(State.FAILED, FailureKind("diverged" if trial.number == 0 else "unknown"), "x")
        )
    assert rig.sweep.has_failed
    assert len(rig.trials) == 5


def test_what_waits_and_fits_is_not_held_back_by_what_does_not(make_rig):
    def at_own_pace(trial):
        for epoch in range(1, 10):
            yield Report(epoch, 0.5, epoch * (10.0 if trial.number else 1.0))

    rig = make_rig(
        scheduler={"type": "none"}, budget={"trials": 2, "gpu_hours": 60 / 3600}, workload=at_own_pace
    )
    cheap = rig.start()
    rig.step(cheap.id)
    dear_one = rig.start()
    rig.step(dear_one.id)
    for trial in (dear_one, cheap):
        rig.fail(trial.id, "preempted")
    again = rig.sweep.ask()
    assert again is not None
    assert again.number == 0


def test_a_search_that_keeps_to_what_it_knows_is_helped_out_by_lot(make_sweep):
    wide = {"layers": {"min": 1, "max": 5}, "width": {"min": 1, "max": 4000}}
    refused = {"wide": 0}

    def validate_config(config):
        refused["wide"] += config["width"] > 40
        return "too wide" if config["width"] > 40 else ""

    sweep = make_sweep(parameters=wide, budget={"trials": 12}, validate_config=validate_config)
    asked = 0
    while trial := sweep.ask():
        sweep.on_start(trial.id, Grant())
        sweep.tell(trial.id, Outcome(State.COMPLETED))
        asked += 1
    assert asked == 12
    assert refused["wide"] > 12 * 20, "one draw in a hundred can be trained"


def test_one_success_among_the_first_keeps_the_sweep_going(make_rig):
    rig = make_rig(budget={"trials": 12, "max_failed": 3})
    fail_all(rig, 2)
    rig.sweep.tell(rig.start().id, Outcome(State.COMPLETED))
    fail_all(rig, 9)
    assert not rig.sweep.has_failed
    assert len(rig.trials) == 12


# stopping and the end -------------------------------------------------------------------------------


def test_a_stop_pauses_trials_at_their_next_report_and_a_resumed_sweep_goes_on(make_rig):
    rig, undisturbed = make_rig(scheduler={"type": "none"}), make_rig(scheduler={"type": "none"})
    undisturbed.finish()
    first, second = rig.start(), rig.start()
    rig.step(first.id)
    rig.sweep.stop("SIGINT")
    assert rig.sweep.ask() is None
    assert rig.step(first.id) is Decision.PAUSE
    assert not rig.sweep.is_done, "one trial still runs"
    assert rig.step(second.id) is Decision.PAUSE
    assert rig.sweep.is_done
    assert not rig.sweep.is_complete
    rig.sweep.close()
    assert rig.sweep.history.closed == "SIGINT"
    assert [trial.state for trial in rig.trials] == [State.WAITING, State.WAITING]
    ends = [row for row in rig.record.pending(1000) if row.kind == "end"]
    assert {row.payload["status"] for row in ends if row.trial} == {"KILLED"}, "nothing is shown as running"
    assert told(rig.record, "end").keys() == {"", first.id, second.id}
    rig.kill()
    again = rig.start()
    assert (again.id, again.attempt, again.checkpoint) == (first.id, 2, f"{first.id}@2")
    rig.finish()
    assert standing(rig) == standing(undisturbed)


def test_a_trial_that_earned_a_pause_while_stopping_stays_paused(make_rig):
    rig = make_rig(scheduler=PROMOTE, budget={"trials": 3})
    trial = rig.start()
    rig.sweep.stop("SIGINT")
    assert rig.step(trial.id) is Decision.PAUSE
    assert rig.trials[0].state is State.PAUSED
    rig.kill()
    assert rig.start().number == 1, "it waits for promotion, not for a free worker"


def test_a_sweep_whose_runner_breaks_is_not_closed_as_done(make_rig):
    rig = make_rig(scheduler=PROMOTE)
    trial = rig.start()
    rig.step(trial.id)
    rig.start()
    rig.sweep.close()
    assert rig.sweep.history.closed not in ("", "done")
    assert rig.trials[0].state is State.PAUSED
    rig.kill()
    rig.finish()
    assert len(rig.trials) == 12


def test_trials_that_nobody_promoted_are_told_as_stopped_once_all_is_done(make_rig):
    rig = make_rig(scheduler=PROMOTE, budget={"trials": 9})
    rig.finish()
    assert State.PAUSED in {trial.state for trial in rig.trials}
    rig.sweep.close()
    assert rig.sweep.history.closed == "done"
    assert {trial.state for trial in rig.trials} <= {State.STOPPED, State.COMPLETED}
    ends = told(rig.record, "end")
    assert all(ends[trial.id] == 1 for trial in rig.trials)
    assert ends[""] == 1


def test_a_sweep_that_is_over_stays_over_when_it_is_opened_again(make_rig):
    for kind in (STOP, PROMOTE):
        rig = make_rig(scheduler=kind, budget={"trials": 9})
        rig.finish()
        rig.sweep.close()
        before = standing(rig)
        rig.kill()
        assert rig.start() is None, kind
        assert rig.sweep.is_done
        assert standing(rig) == before


@pytest.mark.parametrize("scheduler", [STOP, PROMOTE], ids=["stop", "promote"])
def test_done_means_that_nothing_more_is_given_out(make_rig, scheduler):
    rig = make_rig(scheduler=scheduler, budget={"trials": 6})
    for turn in itertools.count():
        if rig.sweep.is_done:
            assert not rig.running
            assert rig.sweep.ask() is None, turn
            return
        if turn % 3 or not rig.running:
            rig.start()
        for trial_id in list(rig.running)[:1]:
            rig.step(trial_id)


def test_listeners_hear_of_events_that_are_written(make_rig):
    rig = make_rig(budget={"trials": 1})
    heard = []
    rig.sweep.listen(
        lambda event, history: heard.append((line_of(event).kind, len(list(rig.record.lines()))))
    )
    rig.finish()
    assert [kind for kind, _ in heard][:4] == ["asked", "granted", "reported", "decided"]
    assert all(written >= place for place, (_, written) in enumerate(heard, start=2))


# the budget -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["gpu_hours", "usd"])
@SEVERAL
@given(seed=SEEDS)
def test_a_budget_is_kept_to_one_report_a_running_trial_whatever_is_killed(make_rig, limit, seed):
    random = np.random.default_rng(seed)
    cap = 30.0  # device-seconds; one report costs at most 1.5 s x the share of 0.5 or 1
    prices = [0.5, 1.0, 4.0] if limit == "usd" else [None]
    value = cap / 3600
    rig = make_rig(scheduler={"type": "none"}, budget={"trials": 500, limit: value}, train={"epochs": 9})
    rig.workload = dear
    most, costliest = 0, 0.0
    for _ in range(400):
        action = random.random()
        if action < 0.35 and len(rig.running) < 4:
            grant = Grant(share=random.choice([0.5, 1.0]), usd_per_hour=random.choice(prices))
            rig.start(grant)
        elif action < 0.38:
            rig.kill()
        elif action < 0.42 and rig.running:
            rig.fail(random.choice(list(rig.running)), "preempted")
        elif rig.running:
            trial_id = random.choice(list(rig.running))
            rig.clock.now += random.random() * 0.5
            rig.step(trial_id)
        most = max(most, len(rig.running))
        gap = 0.5 + 1.0
        costliest = gap * (max(prices) if limit == "usd" else 1.0)
        if rig.sweep.is_done:
            break
    rig.finish(workers=4)
    sums = rig.sweep.totals
    spent = sums.usd * 3600 if limit == "usd" else sums.gpu_hours * 3600
    # while one trial is stepped the clock of every other runs too: a report of each may be that late
    assert spent <= cap + 4 * 4 * costliest


def dear(trial):
    start = int(trial.checkpoint.rpartition("@")[2]) if trial.checkpoint else 0
    for epoch in range(start + 1, 10):
        yield Report(epoch, 0.5, float(epoch), checkpoint=f"{trial.id}@{epoch}")


def test_money_is_counted_at_the_price_of_each_device(make_rig):
    rig = make_rig(
        scheduler={"type": "none"}, budget={"trials": 50, "usd": 100 / 3600}, workload=dear
    )  # USD 100 at 1 USD a second
    cheap = rig.start(Grant(usd_per_hour=0.0))
    while rig.running:
        rig.step(cheap.id)
    dear_one = rig.start(Grant(usd_per_hour=50.0))
    rig.step(dear_one.id)
    assert rig.step(dear_one.id) is Decision.PAUSE, "2 s at 50 are 100, whatever the free device cost"


def test_wall_hours_count_over_all_launches_and_never_the_time_between(make_rig):
    rig = make_rig(budget={"trials": 50, "wall_hours": 1.0}, scheduler={"type": "none"})
    rig.clock.now += 1800
    rig.sweep.stop("stop")
    rig.sweep.close()
    rig.clock.now += 90_000
    rig.kill()
    trial = rig.start()
    rig.clock.now += 1700
    assert rig.step(trial.id) is Decision.CONTINUE
    rig.clock.now += 101
    assert rig.step(trial.id) is Decision.PAUSE
    assert rig.sweep.ask() is None
    assert rig.sweep.is_done
    assert rig.trials[0].state is State.WAITING
    assert "wall-clock" in rig.trials[0].outcome.message


def test_a_trial_paused_by_the_budget_is_neither_failed_nor_lost(make_rig):
    rig = make_rig(scheduler={"type": "none"}, budget={"trials": 3, "gpu_hours": 2 / 3600}, workload=dear)
    rig.finish()
    assert rig.trials[0].state is State.WAITING
    assert rig.sweep.totals.failed == 0
    assert rig.sweep.is_done


def test_a_lost_driver_costs_no_more_than_one_report_of_the_ledger(make_rig):
    rig = make_rig(scheduler={"type": "none"}, workload=dear)
    trial = rig.start()
    for _ in range(5):
        rig.step(trial.id)
    rig.clock.now += 0.5
    rig.kill()
    lost = rig.trials[0].attempts[0]
    assert lost.ended == "driver_lost"
    assert lost.billed == pytest.approx(5.0)
    assert lost.productive == pytest.approx(5.0)


def test_what_an_attempt_trains_anew_is_productive_again(make_rig):
    """A checkpoint that was lost: the second attempt starts at epoch 0 and trains for 3 s."""
    rig = make_rig(scheduler={"type": "none"}, budget={"trials": 1}, workload=without_checkpoints)
    trial = rig.start()
    for _ in range(4):
        rig.step(trial.id)
    rig.fail(trial.id, "node_lost")
    rig.start()
    for epoch in (1, 2, 3):
        rig.clock.now += 1.0
        rig.sweep.report(trial.id, Report(epoch, 0.5, float(epoch)))
    rig.sweep.tell(trial.id, Outcome(State.COMPLETED))
    assert [attempt.productive for attempt in rig.trials[0].attempts] == [4.0, 3.0]
    assert [report.epoch for report in rig.trials[0].reports] == [1, 2, 3]


def without_checkpoints(trial):
    for epoch in range(1, 10):
        yield Report(epoch, 0.5, float(epoch))


def test_a_spec_with_a_thousand_trials_asks_as_fast_as_one_with_ten(toy_spec, records):
    """Guards against work per ask that grows with the sweep; counts, because clocks are noisy here."""
    spec = parse_spec(toy_spec(budget={"trials": 300}).model_dump_json())
    sweep = Sweep(spec, records(), clock=lambda: 0.0)
    for trial in iter(sweep.ask, None):
        sweep.on_start(trial.id, Grant())
        sweep.report(trial.id, Report(1, 0.5))
        sweep.tell(trial.id, Outcome(State.STOPPED))
    assert len(sweep.history.trials) == 300


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_an_exhausted_space_is_not_drawn_from_again(make_sweep, algorithm):
    asked = []
    sweep = make_sweep(
        parameters=DISCRETE, search={"algorithm": algorithm, "seed": 1},
        validate_config=lambda config: asked.append(config) or "never",
    )  # fmt: skip
    assert sweep.ask() is None
    seen = len(asked)
    assert sweep.ask() is None
    assert len(asked) == seen
    assert sweep.is_done


def test_to_ask_whether_a_sweep_is_done_draws_no_suggestion(make_sweep):
    sweep = make_sweep(search={"algorithm": "diary"}, budget={"trials": 2})
    assert not any(sweep.is_done for _ in range(3))
    assert Diary.latest.of("suggest") == []
    for trial in iter(sweep.ask, None):
        sweep.on_start(trial.id, Grant())
        sweep.tell(trial.id, Outcome(State.COMPLETED))
    assert sweep.is_done
    assert len(Diary.latest.of("suggest")) == 2
