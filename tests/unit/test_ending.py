"""How a sweep spends the end of its budget: reservations, the final, and stopping when it is enough."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Grant
from sweeper.store.event_lines import Line
from sweeper.sweep.rules import NEWEST
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Goal, Report, State, canonical

SEVERAL = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
STOP = {"type": "asha", "grace": 1, "reduction_factor": 3}
FINAL = {"final": {"top": 2, "seeds": 3}, "budget": {"trials": 14}}


class Killed(Exception):
    """The driver is gone in the middle of a step."""


def steady(trial):
    """Ten device-seconds an epoch."""
    start = int(trial.checkpoint or 0)
    for epoch in range(start + 1, 10):
        yield Report(epoch, 0.5 + 0.01 * trial.number, 10.0 * epoch, checkpoint=str(epoch))


def flat(trial):
    """Nothing ever gets better."""
    yield Report(1, 0.5, 10.0, checkpoint="1")


def standing(sweep):
    return [
        (t.number, canonical(t.config), t.repeat, t.state, [r.epoch for r in t.reports])
        for t in sweep.history.trials.values()
    ]


# reservations ---------------------------------------------------------------------------------------


@pytest.mark.slow(reason="whole sweeps, drawn by hypothesis")
@pytest.mark.parametrize("kind", ["stop", "promote", "none"])
@SEVERAL
@given(seed=st.integers(0, 2**32))
def test_spend_is_within_the_cap_and_one_report_a_worker_whatever_is_killed(make_rig, kind, seed):
    random = np.random.default_rng(seed)
    workers, cap = int(random.integers(1, 6)), float(random.integers(100, 900))
    scheduler = {"type": "none"} if kind == "none" else STOP | {"kind": kind}
    rig = make_rig(budget={"trials": 500, "gpu_hours": cap / 3600}, scheduler=scheduler)
    clock = VirtualClock()
    for launch in itertools.count():
        left = int(random.integers(1, 40)) if launch < 10 else 10**9
        steps = itertools.count()

        def pulse(steps=steps, left=left):
            if next(steps) >= left:
                raise Killed
            return False

        sweep = Sweep(rig.spec, rig.record, clock=clock)
        try:
            runner["simulated"](clock=clock, workers=workers)(sweep, steady, pulse)
            break
        except Killed:
            continue
    assert sweep.is_done
    assert sweep.totals.billed <= cap + workers * 10.0
    assert sweep.totals.billed >= min(cap - (1 + workers) * 90.0, 0.0)


def test_nothing_starts_or_passes_a_rung_that_could_not_reach_the_next(make_rig):
    """Ten seconds an epoch, a rung after four: 90 s for the whole of the first, then 40 and 40 of 85 left."""
    rig = make_rig(
        budget={"trials": 500, "gpu_hours": 175 / 3600}, scheduler=STOP | {"grace": 4}, workload=steady
    )
    sweep = rig.finish()
    assert [len(t.reports) for t in rig.trials] == [9, 4, 4]
    assert sweep.totals.billed == pytest.approx(170.0)
    reason = rig.trials[1].verdicts[-1][1].reason
    assert reason == "budget: 0.0361 of 0.0486111 device-hours are spent, 0.0139 more would be needed"
    assert rig.trials[1].state is State.WAITING, "with more budget it goes on"


def test_a_cheap_trial_is_not_held_back_by_a_dear_one_that_does_not_fit(make_rig):
    """Layers cost: after ten trials the pace of five layers is known to be five times that of one."""

    def by_layers(trial):
        for epoch in range(1, 10):
            yield Report(epoch, 0.5, 1.0 * trial.config["layers"] * epoch, checkpoint=str(epoch))

    rig = make_rig(
        scheduler={"type": "none"}, budget={"trials": 500, "gpu_hours": 300 / 3600}, workload=by_layers
    )
    sweep = rig.finish()
    assert 255 <= sweep.totals.billed <= 300 + 5
    interrupted = [t for t in sweep.history.trials.values() if t.state is State.WAITING]
    assert len(interrupted) <= 1, "what was started was foreseen to fit"


# the final ------------------------------------------------------------------------------------------


def test_the_best_few_are_trained_again_in_full_with_seeds_of_their_own(make_rig):
    rig = make_rig(scheduler=STOP, **FINAL)
    sweep = rig.finish(workers=2)
    trials = list(sweep.history.trials.values())
    searched, final = [t for t in trials if not t.is_final_run], [t for t in trials if t.is_final_run]
    assert (len(searched), len(final)) == (8, 6)
    by_score = sorted(searched, key=lambda t: -t.best(Goal.MAXIMIZE).score)
    best = {canonical(t.config) for t in by_score[:2]}
    assert {canonical(t.config) for t in final} == best
    assert all(t.state is State.COMPLETED and len(t.reports) == 9 for t in final), "nobody stops them early"
    assert len({t.seed for t in trials}) == len(trials)
    assert sorted(t.repeat for t in final) == [1, 1, 2, 2, 3, 3]


def seeded(trial):
    """Each configuration has its own level; seeds differ by a thousandth."""
    level = 0.01 * (int(canonical(trial.config).encode().hex(), 16) % 97)
    yield Report(1, level + 0.001 * (trial.seed % 3), 1.0, checkpoint="1")


def test_a_finalist_that_is_clearly_behind_after_two_seeds_gets_no_third(make_rig):
    sections = {"final": {"top": 3, "seeds": 4}, "budget": {"trials": 30}, "scheduler": {"type": "none"}}
    runs = {}
    for race in (True, False):
        sections["final"]["race"] = race
        rig = make_rig(workload=seeded, meta=NEWEST, **sections)
        trials = list(rig.finish().history.trials.values())
        final = [canonical(t.config) for t in trials if t.is_final_run]
        assert rig.sweep.is_complete
        runs[race] = [final.count(config) for config in dict.fromkeys(final)]
        assert len({*final[:3]}) == 3, "a round gives each a seed"
    assert runs[False] == [4, 4, 4]
    assert runs[True][0] == 4
    assert min(runs[True]) == 2


@pytest.mark.slow(reason="a sweep is replayed after each of its events")
@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_a_driver_killed_anywhere_before_or_in_the_final_ends_as_the_undisturbed_one(make_rig, algorithm):
    sections = FINAL | {"search": {"algorithm": algorithm, "seed": 3}, "scheduler": STOP}
    whole = make_rig(meta=NEWEST, **sections)
    whole.finish()
    events = list(whole.record.lines())
    for cut in range(1, len(events), 7):
        if events[cut - 1].kind == "reported":
            continue  # a report and its decision are one append
        rig = make_rig(events=events[:cut], meta=NEWEST, **sections)
        rig.finish()
        assert standing(rig.sweep) == standing(whole.sweep), f"cut behind {events[cut - 1]}"


def test_the_search_leaves_the_final_what_it_will_cost(make_rig):
    rig = make_rig(
        scheduler={"type": "none"},
        final={"top": 1, "seeds": 2},
        budget={"gpu_hours": 600 / 3600},
        workload=steady,
    )
    sweep = rig.finish()
    final = [t for t in sweep.history.trials.values() if t.is_final_run]
    assert [t.state for t in final] == [State.COMPLETED] * 2
    assert sweep.totals.billed <= 600


@pytest.mark.parametrize("kind", ["stop", "promote"])
@pytest.mark.parametrize("cap", [620, 800, 1000])
def test_a_trial_that_waits_for_more_budget_does_not_hold_up_the_final(make_rig, kind, cap):
    limits = {"final": {"top": 1, "seeds": 2}, "budget": {"gpu_hours": cap / 3600}}
    sweep = make_rig(scheduler=STOP | {"kind": kind}, workload=steady, **limits).finish()
    final = [t for t in sweep.history.trials.values() if t.is_final_run]
    assert [t.state for t in final] == [State.COMPLETED] * 2
    assert sweep.totals.billed <= cap


def test_many_workers_leave_the_final_its_share_too(make_rig):
    limits = {"final": {"top": 1, "seeds": 2}, "budget": {"gpu_hours": 600 / 3600}}
    rig = make_rig(scheduler={"type": "none"}, **limits)
    clock = VirtualClock()
    sweep = Sweep(rig.spec, rig.record, clock=clock)
    runner["simulated"](clock=clock, workers=8)(sweep, steady, lambda: False)
    final = [t for t in sweep.history.trials.values() if t.is_final_run]
    assert [t.state for t in final] == [State.COMPLETED] * 2
    assert sweep.totals.billed <= 600


def test_without_any_score_there_is_no_final_and_the_sweep_ends(make_rig):
    def nothing(trial):
        yield Report(1, float("nan"), 1.0, checkpoint="1")

    rig = make_rig(scheduler=STOP, final={"top": 1, "seeds": 1}, budget={"trials": 4}, workload=nothing)
    sweep = rig.finish()
    assert sweep.ask() is None
    assert sweep.is_done
    assert not [event for event in rig.record.lines() if event.kind == "final"]


@pytest.mark.parametrize(
    ("cap", "state", "epochs"),
    [(85, State.WAITING, 8), (90, State.COMPLETED, 9), (95, State.COMPLETED, 9)],
    ids=["an epoch more would pass the limit", "filled to the brim", "room for half an epoch more"],
)
def test_a_trial_is_trained_in_full_where_its_last_epoch_fits(make_rig, cap, state, epochs):
    rig = make_rig(scheduler={"type": "none"}, budget={"trials": 9, "gpu_hours": cap / 3600}, workload=steady)
    rig.finish()
    assert [(t.state, len(t.reports)) for t in rig.trials][:1] == [(state, epochs)]
    assert rig.sweep.totals.billed <= cap


def test_an_extended_sweep_searches_on_and_has_a_final_of_its_own(make_rig):
    rig = make_rig(scheduler=STOP, **FINAL)
    rig.finish()
    rig.sweep.close()
    events = [*rig.record.lines(), Line("extended", body={"changes": []})]
    more = make_rig(events=events, scheduler=STOP, final=FINAL["final"], budget={"trials": 30})
    more.finish()
    trials = list(more.sweep.history.trials.values())
    assert sum(not t.is_final_run for t in trials) >= 16
    for config in more.sweep.history.finalists:
        runs = [t for t in trials if t.is_final_run and canonical(t.config) == canonical(config)]
        assert len(runs) == 3, "one that was in the first final is not run again"


def test_a_budget_that_the_final_would_eat_whole_is_refused(toy_spec):
    with pytest.raises(ValueError, match="the final takes 3 x 3"):
        toy_spec(final={}, budget={"trials": 9})


# enough ---------------------------------------------------------------------------------------------


def test_a_search_that_finds_nothing_better_ends_and_says_why(make_rig):
    rig = make_rig(
        stop_when={"gain": 0.01, "ahead": 0.25, "after": 20}, budget={"trials": 400}, workload=flat
    )
    sweep = rig.finish()
    assert 20 <= len(sweep.history.trials) < 100
    assert "less than the 0.01 of stop_when" in sweep.history.enough
    assert sweep.is_complete


def test_a_search_that_still_improves_goes_on(make_rig):
    def better(trial):
        yield Report(1, 0.001 * trial.number, 10.0, checkpoint="1")

    rig = make_rig(stop_when={"gain": 0.002, "after": 20}, budget={"trials": 100}, workload=better)
    assert len(rig.finish().history.trials) == 100


def test_enough_is_in_the_record_and_only_an_extension_takes_it_back(make_rig):
    sections = {"stop_when": {"gain": 0.01, "after": 20}, "workload": flat}
    rig = make_rig(budget={"trials": 400}, **sections)
    rig.finish()
    many = len(rig.trials)
    rig.kill()
    assert rig.sweep.ask() is None
    events = [*rig.record.lines(), Line("extended", body={"changes": []})]
    more = make_rig(events=events, budget={"trials": 400}, **sections)
    assert more.sweep.ask() is not None
    assert len(more.trials) == many + 1


def test_a_resumed_search_ends_where_the_undisturbed_one_does(make_rig):
    def rising(trial):
        score = float(np.random.default_rng(trial.number).normal())
        yield Report(1, score, 10.0, checkpoint="1")

    sections = {"stop_when": {"gain": 0.3, "after": 20}, "budget": {"trials": 400}, "workload": rising}
    whole = make_rig(**sections)
    many = len(whole.finish().history.trials)
    assert 20 <= many < 400
    events = list(whole.record.lines())
    for cut in range(len(events) - 60, len(events), 4):
        if events[cut - 1].kind == "reported":
            continue
        rig = make_rig(events=events[:cut], **sections)
        assert len(rig.finish().history.trials) == many, f"cut behind {events[cut - 1].kind}"


def test_without_the_rule_the_budget_alone_ends_the_search(make_rig):
    rig = make_rig(budget={"trials": 60}, workload=flat)
    assert len(rig.finish().history.trials) == 60


# promotion ------------------------------------------------------------------------------------------


def test_who_was_never_promoted_can_be_once_the_sweep_is_extended(make_rig):
    scheduler = STOP | {"kind": "promote"}
    rig = make_rig(scheduler=scheduler, budget={"trials": 8})
    rig.finish()
    rig.sweep.close()
    left = {t.id for t in rig.trials if t.outcome and t.outcome.kind == "unpromoted"}
    assert left
    events = [*rig.record.lines(), Line("extended", body={"changes": []})]
    more = make_rig(events=events, scheduler=scheduler, budget={"trials": 24})
    more.finish()
    promoted = {t.id for t in more.trials if t.id in left and len(t.attempts) > 1}
    assert promoted, "with more trials beside them some earn their next rung"


def test_money_without_a_price_ends_nothing(make_rig):
    rig = make_rig(budget={"trials": 5, "usd": 0.01}, grant=Grant(usd_per_hour=None))
    assert len(rig.finish().history.trials) == 5
