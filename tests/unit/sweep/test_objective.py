import math

import pytest

from sweeper.config.objective_section import ObjectiveSpec
from sweeper.sweep.objective import Objective
from sweeper.sweep.ranking import best_of
from sweeper.sweep.retries import as_told
from sweeper.trial import Cause, Decision, Goal, Report, State


def aim(chance=0.1, **objective):
    return Objective(ObjectiveSpec(**{"metric": "valid/top1", **objective}), chance)


def report(score, seconds=10.0, top5=None):
    return Report(1, score, seconds, {} if top5 is None else {"valid/top5": top5})


def test_for_the_best_within_the_budget_the_search_hears_the_score_itself():
    plain = aim(mode="budget")
    assert plain.value(report(0.7)) == 0.7
    assert (plain.goal, plain.counts_cost, plain.verdict(report(0.7))) == (Goal.MAXIMIZE, False, None)


def test_the_front_needs_score_and_cost():
    assert aim(mode="pareto").counts_cost
    assert aim(mode="pareto").value(report(0.7)) == 0.7


def test_efficiency_is_score_above_chance_for_a_second_of_those_that_reach_the_floor():
    worth = aim(mode="efficiency", min_top5=0.5)
    assert worth.value(report(0.6, 10.0, top5=0.8)) == pytest.approx(0.05)
    assert worth.value(report(0.6, 1.0, top5=0.4)) == pytest.approx(-0.1), "below it counts what is missing"
    assert worth.value(report(0.05, 10.0, top5=0.6)) == 0.0, "worse than chance is worth nothing, not less"


def test_below_the_floor_is_always_worse_than_above_it():
    worth = aim(mode="efficiency", min_top5=0.5)
    below = [worth.value(report(0.9, seconds, top5=0.499)) for seconds in (1e-9, 1.0, 1e9)]
    above = [worth.value(report(score, 1e9, top5=0.5)) for score in (0.0, 0.5, 1.0)]
    assert max(below) < min(above)


@pytest.mark.parametrize(
    ("metric", "target", "good", "bad"), [("valid/top1", 0.5, 0.6, 0.4), ("valid/loss", 0.5, 0.4, 0.6)]
)
def test_the_target_is_worth_the_more_the_cheaper_it_was_reached(metric, target, good, bad):
    objective = ObjectiveSpec.model_validate({"metric": metric, "mode": "target", "target": target})
    cheap = Objective(objective)
    assert cheap.goal == Goal.MAXIMIZE
    assert cheap.value(report(good, 10.0)) > cheap.value(report(good, 20.0)) > 0
    assert cheap.value(report(bad)) == pytest.approx(-0.1)
    assert cheap.best([report(bad), report(good, 20.0)]) == pytest.approx(0.05)


def test_a_trial_ends_at_the_target_and_one_that_costs_more_than_it_took_ends_too():
    cheap = aim(mode="target", target=0.5)
    assert cheap.verdict(report(0.4, 99.0)) is None, "nobody has reached it yet"
    reached = cheap.verdict(report(0.5, 10.0))
    assert reached is not None
    assert (reached.decision, reached.reason) == (Decision.STOP, "reached the target of 0.5")
    assert cheap.verdict(report(0.4, 9.9)) is None
    late = cheap.verdict(report(0.4, 10.0))
    assert late is not None
    assert "within 10 device-seconds" in late.reason


def test_what_is_no_number_has_no_worth():
    assert aim().best([]) is None
    assert aim().best([report(math.nan), report(math.inf)]) is None
    assert aim().best([report(math.nan), report(0.3), report(0.2)]) == 0.3
    loss = ObjectiveSpec.model_validate({"metric": "valid/loss"})
    assert Objective(loss).best([report(2.0), report(1.0), report(3.0)]) == 1.0


def sized(score: float, milliseconds: float) -> Report:
    return Report(1, score, 10.0, {"milliseconds": milliseconds, "parameters": 100.0})


def test_a_network_that_is_slower_than_the_limit_ends_and_does_not_compete():
    small = aim(limits={"milliseconds": 5.0, "parameters": 200})
    assert small.limit_verdict(sized(0.7, 5.0)) is None
    beyond = small.limit_verdict(sized(0.9, 5.1))
    assert beyond is not None
    assert (beyond.decision, beyond.cause) == (Decision.STOP, Cause.LIMIT)
    assert beyond.reason == "5.1 milliseconds, objective.limits allows 5"
    assert aim().limit_verdict(sized(0.9, 99.0)) is None


def test_a_trial_beyond_the_limits_is_neither_best_nor_judged_and_the_search_hears_that_it_cannot_be(
    make_rig,
):
    """The first trial scores best, and takes 9 ms."""

    def workload(trial):
        for epoch in (1, 2, 3):
            taken = 9.0 if trial.number == 0 else 1.0
            score = 0.9 if trial.number == 0 else 0.1 + 0.01 * trial.number
            metrics = {"milliseconds": taken, "valid/top1": score}
            yield Report(epoch, score, 1.0 * epoch, metrics, checkpoint=str(epoch))

    objective = {"metric": "valid/top1", "limits": {"milliseconds": 5.0}}
    rig = make_rig(workload=workload, objective=objective, budget={"trials": 3})
    rig.finish()
    first, *others = rig.trials
    assert (first.state, len(first.reports), first.is_over_limit) == (State.STOPPED, 1, True)
    assert first.best(Goal.MAXIMIZE) is None
    assert as_told(first) is State.INFEASIBLE
    best = best_of(rig.sweep.history, Goal.MAXIMIZE)
    assert best is not None
    assert best in others
    assert all(verdict.of in (None, 1, 2) for trial in others for _, verdict in trial.verdicts), (
        "it counts in no rung"
    )
