import json
import math

import pytest

from sweeper.config.spec import parse_spec
from sweeper.cost import Overheads, Pace, Work
from sweeper.cost.cost_estimate import CostEstimate, Range
from sweeper.plan.budget_fit import notes_of, refused, tightest, to_fit_all, to_fit_one
from sweeper.plan.epoch_seconds import Foreseen
from sweeper.plan.network_cost import NetworkCost
from sweeper.plan.rehearsal import Effort, Rehearsal, Situation, typical_rungs
from sweeper.trial import canonical

TOY = {
    "name": "toy",
    "dataset": {"source": "digits"},
    "parameters": {"pixels": [8, 64], "layers": {"min": 1, "max": 5}, "dropout": {"min": 0.0, "max": 0.5}},
    "train": {"epochs": 9},
    "search": {"algorithm": "random", "seed": 7},
    "scheduler": {"type": "none"},
    "budget": {"trials": 12},
    "objective": {"metric": "valid/top1"},
}
FAST = Effort(configs=8, layers=99, trials=60, longest=20, has_own_search=False)
POOL = [
    ({"pixels": pixels, "layers": layers, "dropout": 0.1}, 10.0 * layers * (1 if pixels == 8 else 9))
    for pixels in (8, 64)
    for layers in range(1, 6)
]


def rehearsal(*, slots=2, share=1.0, usd=None, common=0.2, single=0.0, is_gpu=False, pool=None, **sections):
    spec = parse_spec(json.dumps(TOY | sections))
    pace = Pace((1.0, *(0.0,) * 5), common, single, "probe", 6)
    where = Situation("a device", is_gpu, slots, share, usd, startup=0.0)
    known = {canonical(config): seconds for config, seconds in (pool or POOL)}

    def size(config):
        seconds = known[canonical({**config, "dropout": 0.1})]
        return NetworkCost(
            (), 0, 0, 0, 0, Work(seconds, 0, 0, 0, 0, 0, train_images=0, valid_images=1, valid_steps=0)
        )

    return Rehearsal(spec, where, Overheads(), Foreseen(spec.space, pool or POOL, size, pace), pace, FAST)


def drafted(told: Rehearsal) -> CostEstimate:
    found = told.outcomes()
    return CostEstimate(
        "probe", 6, "a device", told.where.is_gpu, told.where.slots, told.where.share,
        device_hours=Range.of([each.device_hours for each in found]),
        wall_hours=Range.of([each.wall_hours for each in found]),
        trials=Range.of([each.trials for each in found]),
        completed=Range.of([each.completed for each in found]),
        full_trial=Range(0, 0, 0),
    )  # fmt: skip


def hours(told: Rehearsal) -> Range:
    return told.range_of(told.outcomes(), lambda each: each.device_hours)


EVEN = [({"pixels": p, "layers": n, "dropout": 0.1}, 100.0) for p in (8, 64) for n in range(1, 6)]
"""Every configuration takes 100 s an epoch, 900 s in full."""


def test_without_early_stopping_the_median_is_what_arithmetic_gives():
    assert hours(rehearsal(pool=EVEN)).p50 == pytest.approx(12 * 900 / 3600, rel=0.05)


def test_quantiles_are_in_order_and_lie_as_far_apart_as_the_pace_is_unsure():
    sure, unsure = hours(rehearsal(pool=EVEN, common=0.1)), hours(rehearsal(pool=EVEN, common=0.6))
    assert sure.p10 < sure.p50 < sure.p90
    assert unsure.p90 / unsure.p10 > 1.5 * sure.p90 / sure.p10


def test_early_stopping_costs_less_and_its_rungs_are_counted():
    stopped = rehearsal(pool=EVEN, scheduler={"type": "asha", "grace": 1, "reduction_factor": 3})
    assert hours(stopped).p90 < hours(rehearsal(pool=EVEN)).p10
    rungs = typical_rungs(stopped.outcomes())
    assert list(rungs) == ["1", "3"]
    assert rungs["1"] == 12 > rungs["3"] > 0


@pytest.mark.slow(reason="rehearses three sweeps")
def test_half_a_gpu_costs_half_and_twice_as_many_slots_take_half_the_time():
    whole, half = rehearsal(pool=EVEN), rehearsal(pool=EVEN, slots=4, share=0.5, is_gpu=True)
    assert hours(half).p50 == pytest.approx(hours(whole).p50 / 2, rel=0.01)
    walls = [Range.of([each.wall_hours for each in told.outcomes()]).p50 for told in (whole, half)]
    assert walls[1] == pytest.approx(walls[0] / 2, rel=0.3)  # a last trial runs alone


def test_a_long_sweep_is_rehearsed_in_part_and_the_rest_added_in_proportion():
    short, long = rehearsal(pool=EVEN), rehearsal(pool=EVEN, budget={"trials": 1200})
    assert hours(long).p50 == pytest.approx(100 * hours(short).p50, rel=0.1)
    assert {each.trials for each in long.outcomes()} == {1200.0}


def test_without_a_number_of_trials_the_hours_are_those_of_the_budget():
    told = rehearsal(pool=EVEN, budget={"gpu_hours": 100})
    assert told.wanted is None
    assert hours(told).p50 == pytest.approx(100, rel=0.05)
    assert not any(each.is_cut for each in told.outcomes())


def test_a_loss_is_rehearsed_like_an_accuracy():
    asha = {"type": "asha", "grace": 1, "reduction_factor": 3}
    loss = rehearsal(pool=EVEN, scheduler=asha, objective={"metric": "valid/loss"})
    assert hours(loss).p50 == pytest.approx(hours(rehearsal(pool=EVEN, scheduler=asha)).p50, rel=0.5)


@pytest.mark.slow(reason="rehearses two sweeps")
def test_patience_ends_trials_before_their_last_epoch():
    patient = rehearsal(pool=EVEN, train={"epochs": 60, "patience": 3})
    assert hours(patient).p50 < 0.8 * hours(rehearsal(pool=EVEN, train={"epochs": 60})).p50


def test_a_search_that_ends_by_itself_is_cut_by_no_limit_and_counts_what_it_ran():
    """`min() arg is an empty sequence`, and with a far limit advice to raise it."""
    rule = {"gain": 0.5, "ahead": 0.25, "after": 6}
    for budget in ({"trials": 16}, {"trials": 16, "wall_hours": 1000.0}):
        told = rehearsal(pool=EVEN, stop_when=rule, budget=budget)
        found = told.outcomes()
        assert all(each.is_enough and not each.is_cut and each.trials < 16 for each in found)
        assert hours(told).p50 < hours(rehearsal(pool=EVEN, budget={"trials": 16})).p50


@pytest.mark.parametrize(("trials", "is_warned"), [(8, True), (9, False)])
def test_a_ladder_that_too_few_trials_climb_is_said(trials, is_warned):
    asha = {"type": "asha", "grace": 1, "reduction_factor": 3, "kind": "promote"}  # rungs at 1 and 3
    told = rehearsal(pool=EVEN, scheduler=asha, budget={"trials": trials})
    said = list(notes_of(told, []))
    needed = "kind: promote has 2 rungs: 9 trials bring one to its end by rank"
    expected = f"{needed}, of {trials} the best goes on alone"
    assert said == ([expected] if is_warned else [])


def test_points_are_the_whole_sweep():
    points = [{"pixels": 8, "layers": n, "dropout": 0.1} for n in (1, 2, 3)]
    told = rehearsal(pool=POOL, points=points, search={"algorithm": "points"}, budget={})
    assert told.wanted == 3
    assert hours(told).p50 == pytest.approx(9 * (10 + 20 + 30) / 3600, rel=0.1)


# what fits -----------------------------------------------------------------------------------------


def test_a_budget_without_room_for_one_trial_is_refused_with_the_smallest_change():
    told = rehearsal(budget={"trials": 12, "gpu_hours": 0.01})  # the cheapest trial takes 90 s
    reason = refused(told, drafted(told))
    assert "budget.gpu_hours: 0.01 has no room for one trial of 9 epochs" in reason
    assert "CPU slot hours" in reason
    assert list(to_fit_one(told)) == ["budget.gpu_hours: 0.033 would fit one trial", "or train.epochs: 2"]


@pytest.mark.parametrize(
    ("budget", "usd", "limit"),
    [
        ({"gpu_hours": 0.01}, None, "gpu_hours"),
        ({"usd": 0.01}, 2.0, "usd"),
        ({"wall_hours": 0.01}, None, "wall_hours"),
    ],
)
def test_each_limit_can_refuse(budget, usd, limit):
    told = rehearsal(budget={"trials": 12, **budget}, usd=usd)
    assert refused(told, drafted(told)).startswith(f"budget.{limit}: 0.01 has no room")


def test_a_budget_in_money_without_a_price_refuses_nothing():
    told = rehearsal(budget={"trials": 12, "usd": 1e-6})
    assert refused(told, drafted(told)) == ""
    assert told.limit_hours == math.inf


def test_a_pace_that_may_be_three_times_as_fast_gets_the_benefit_of_the_doubt():
    budget = {"trials": 12, "gpu_hours": 0.015}
    sure, unsure = (rehearsal(budget=budget, common=common) for common in (0.1, 0.6))
    assert refused(sure, drafted(sure))
    assert not refused(unsure, drafted(unsure))


def test_a_budget_that_cuts_the_sweep_short_is_no_refusal_but_says_what_would_fit():
    told = rehearsal(pool=EVEN, budget={"trials": 12, "gpu_hours": 1.5})  # 3 hours would do
    quote = drafted(told)
    assert refused(told, quote) == ""
    assert quote.trials.p50 < 12
    assert quote.device_hours.p50 <= 1.6
    assert all(each.is_cut for each in told.outcomes())
    more, fewer = list(to_fit_all(told, quote))
    assert more.startswith("budget.gpu_hours: ")
    assert 3 < float(more.split()[1]) < 4.5
    assert fewer == f"or budget.trials: {int(quote.trials.p10)}"


def test_leaving_out_the_dearest_value_is_offered_where_it_is_enough():
    told = rehearsal(budget={"trials": 12, "gpu_hours": 2})
    assert "or pixels without 64" in list(to_fit_all(told, drafted(told)))


def test_the_tightest_of_several_limits_is_named():
    told = rehearsal(budget={"trials": 12, "gpu_hours": 4, "wall_hours": 1}, slots=2)
    assert tightest(told) == "wall_hours"
