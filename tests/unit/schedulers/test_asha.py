import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.errors import SpecError
from sweeper.schedulers import scheduler
from sweeper.schedulers.parts.rung import Rung
from sweeper.trial import Decision, Goal, Report

GO, STOP, PAUSE = Decision.CONTINUE, Decision.STOP, Decision.PAUSE
NAN, INF = math.nan, math.inf
CODES = {GO: "go", STOP: "stop", PAUSE: "pause"}


def build(goal=Goal.MAXIMIZE, epochs=27, **options):
    return scheduler["asha"](goal, epochs, **options)


def say(asha, trial, epoch, score, seconds=0.0):
    return asha.on_report(trial, Report(epoch, score, seconds))


# Each line: trial, epoch, score -> what a pencil says. grace 1, factor 3: rungs at 1, 3, 9.
BY_HAND = {
    "the first two go on until three results are there": [
        ("a", 1, 0.5, "go"), ("b", 1, 0.4, "go"), ("c", 1, 0.6, "go"), ("d", 1, 0.1, "stop"),
        ("e", 1, 0.7, "go"),
    ],
    "an early arrival is judged at its next report as soon as there are three": [
        ("a", 1, 0.1, "go"), ("b", 1, 0.5, "go"), ("c", 1, 0.6, "go"), ("a", 2, 0.9, "stop"),
        ("b", 2, 0.9, "stop"),
    ],
    "it is judged by its score at the rung and not by what came later": [
        ("a", 1, 0.9, "go"), ("b", 1, 0.5, "go"), ("c", 1, 0.6, "stop"), ("a", 2, 0.0, "go"),
    ],
    "two of six go on": [
        ("a", 1, 0.1, "go"), ("b", 1, 0.2, "go"), ("c", 1, 0.3, "go"), ("d", 1, 0.4, "go"),
        ("e", 1, 0.05, "stop"), ("f", 1, 0.35, "go"),
    ],
    "of equals the earlier ones go on": [
        ("a", 1, 0.5, "go"), ("b", 1, 0.5, "go"), ("c", 1, 0.5, "stop"), ("d", 1, 0.5, "stop"),
        ("e", 1, 0.4, "stop"), ("a", 2, 0.5, "go"), ("b", 2, 0.5, "stop"), ("f", 1, 0.5, "stop"),
    ],
    "a trial that was let on is not judged again at the same rung": [
        ("a", 1, 0.1, "go"), ("b", 1, 0.2, "go"), ("c", 1, 0.3, "go"), ("d", 1, 0.4, "go"),
        ("e", 1, 0.5, "go"), ("f", 1, 0.6, "go"), ("c", 2, 0.0, "go"),
    ],
    "a report that jumps counts in every rung it passes and is judged at the highest": [
        ("a", 1, 0.1, "go"), ("b", 1, 0.2, "go"), ("x", 5, 0.3, "go"), ("c", 1, 0.25, "stop"),
        ("d", 1, 0.35, "go"),
    ],
    "the second rung has a count of its own": [
        ("a", 3, 0.9, "go"), ("b", 3, 0.8, "go"), ("c", 3, 0.7, "stop"), ("d", 3, 0.95, "go"),
        ("e", 3, 0.85, "stop"), ("f", 3, 0.9, "stop"), ("g", 3, 0.91, "go"),
    ],
    "no number is never a result": [
        ("a", 1, NAN, "stop"), ("b", 1, INF, "stop"), ("c", 1, -INF, "stop"), ("d", 1, 0.1, "go"),
        ("e", 1, 0.2, "go"), ("f", 1, 0.3, "go"), ("g", 1, 0.25, "stop"),
    ],
    "a trial that comes late is held against everybody before it": [
        *[(f"t{n}", 1, n / 10, "go") for n in range(1, 9)],
        ("late", 1, 0.55, "stop"), ("last", 1, 0.75, "go"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND)
@pytest.mark.parametrize("goal", [Goal.MAXIMIZE, Goal.MINIMIZE])
@pytest.mark.parametrize("resource", ["epoch", "device_seconds"])
def test_it_decides_as_a_pencil_does(case, goal, resource):
    asha = build(goal, resource=resource, max=27, reduction_factor=3)
    sign = 1 if goal == Goal.MAXIMIZE else -1
    found = [
        CODES[say(asha, trial, 1 if resource != "epoch" else amount, sign * score, float(amount)).decision]
        for trial, amount, score, _ in BY_HAND[case]
    ]
    assert found == [expected for *_, expected in BY_HAND[case]]


def test_a_verdict_names_rung_rank_and_the_score_that_was_needed():
    asha = build(Goal.MINIMIZE)
    for trial, loss in (("a", 0.9), ("b", 0.7), ("c", 0.5)):
        verdict = say(asha, trial, 1, loss)
    assert (verdict.rung, verdict.rank, verdict.of, verdict.threshold) == (1.0, 1, 3, 0.5)
    verdict = say(asha, "d", 1, 0.6)
    assert (verdict.decision, verdict.rank, verdict.of, verdict.threshold) == (STOP, 2, 4, 0.5)
    assert verdict.reason == "not among the best 1 of 4 at rung 1 epoch"
    tied = say(asha, "f", 1, 0.5)
    assert (tied.decision, tied.rank, tied.threshold) == (STOP, 2, 0.5)
    assert tied.reason == "a tie with the last of the best 1 of 5 at rung 1 epoch, which came earlier"
    assert say(asha, "e", 1, NAN).reason == "the score is nan"
    verdict = say(build(), "a", 1, 0.5)
    assert (verdict.decision, verdict.rank, verdict.of, verdict.threshold) == (GO, 1, 1, None)
    assert "1 of the 3 results" in verdict.reason


def test_below_the_first_rung_nobody_is_judged():
    asha = build(resource="device_seconds", grace=30, max=3600)
    for trial in "abcdef":
        verdict = say(asha, trial, 99, 0.0, 29.9)
        assert (verdict.decision, verdict.reason) == (GO, "below the first rung at 30 device_seconds")


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        ({}, [1, 3, 9]),
        ({"reduction_factor": 4}, [1, 4, 16]),
        ({"grace": 2}, [2, 6, 18]),
        ({"grace": 9}, [9]),
        ({"max": 10}, [1, 3, 9]),
        ({"max": 9}, [1, 3]),
        ({"max": 81}, [1, 3, 9]),
        ({"resource": "device_seconds", "grace": 30, "max": 3600}, [30, 90, 270, 810, 2430]),
        ({"reduction_factor": 2.5}, [1, 2.5, 6.25, 15.625]),
    ],
)
def test_rungs_lie_below_the_end_of_a_trial(options, levels):
    """A rung at the last epoch, or behind it, would call a trial stopped that was trained in full."""
    asha = build(**options)
    is_epoch = options.get("resource") != "device_seconds"
    amounts = range(1, 28) if is_epoch else range(1, 4000)
    found = {asha.on_report(f"t{n}", Report(n if is_epoch else 1, 0.5, float(n))).rung for n in amounts}
    assert found - {None} == set(levels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resource": "device_seconds"}, "needs max"),
        ({"grace": 27}, "leaves no rung below 27"),
        ({"grace": 40, "max": 30}, "leaves no rung below"),
        ({"rule": "ray", "kind": "promote"}, "rule ray stops"),
        ({"brackets": 4}, "3 rungs cannot serve 4 brackets"),
    ],
)
def test_options_that_contradict_each_other_are_one_clear_line(options, message):
    with pytest.raises(SpecError, match=message):
        build(**options)


@pytest.mark.parametrize(
    "option", [{"grace": 0}, {"max": -1}, {"reduction_factor": 1}, {"kind": "both"}, {"resource": "usd"}]
)
def test_options_out_of_range_are_refused(option):
    with pytest.raises(SpecError):
        scheduler.check("asha", option)


@pytest.mark.parametrize(
    ("factor", "of", "places"), [(1.1, 11, 10), (2.5, 5, 2), (3, 3, 1), (1.5, 3, 2), (1.2, 6, 5)]
)
def test_the_best_share_goes_on_whatever_a_float_makes_of_it(factor, of, places):
    asha = build(epochs=2, reduction_factor=factor)
    for place in range(of - 1):
        say(asha, f"t{place}", 1, float(place))
    verdict = say(asha, "worst", 1, -1.0)
    assert f"the best {places} of {of}" in verdict.reason


@settings(deadline=None)
@given(
    scores=st.lists(st.floats(-1, 1), min_size=1, max_size=40),
    factor=st.sampled_from([2, 3, 4, 2.5]),
    goal=st.sampled_from([Goal.MAXIMIZE, Goal.MINIMIZE]),
)
def test_whoever_is_stopped_was_reached_by_enough_others_before_it(scores, factor, goal):
    asha = build(goal, epochs=2, reduction_factor=factor)
    sign = 1 if goal == Goal.MAXIMIZE else -1
    for place, score in enumerate(scores):
        verdict = say(asha, f"t{place}", 1, score)
        better = sum(sign * other >= sign * score for other in scores[:place])
        places = int((place + 1) / factor + 1e-9)
        assert verdict.rank == better + 1
        assert verdict.decision is (STOP if places and better >= places else GO)


def test_a_saturated_metric_still_stops_two_of_three():
    asha = build()
    went = [trial for trial in "abcdefghi" if say(asha, trial, 1, 1.0).decision is GO]
    assert went == ["a", "b"], "they came before three results were there"
    assert [say(asha, trial, 2, 1.0).decision for trial in went] == [GO, GO]


def test_a_decision_costs_the_same_with_ten_thousand_results_as_with_a_thousand(lines_run):
    """Bisection over the rung."""

    def lines(results):
        asha, random = build(), np.random.default_rng(1)
        for trial, score in enumerate(random.random(results)):
            say(asha, f"t{trial}", 1, float(score))
        scores = enumerate(random.random(300))
        return lines_run(lambda: [say(asha, f"u{trial}", 1, float(score)) for trial, score in scores])

    assert lines(10_000) < 2 * lines(1_000)


# promotion ------------------------------------------------------------------------------------------


def test_every_trial_pauses_at_every_rung_and_the_best_third_go_on():
    asha = build(kind="promote")
    assert asha.next_promotion() is None
    for trial, score in (("a", 0.5), ("b", 0.6)):
        verdict = say(asha, trial, 1, score)
        assert (verdict.decision, verdict.reason) == (PAUSE, "waits at rung 1 epoch for promotion")
        assert asha.next_promotion() is None
    say(asha, "c", 1, 0.4)
    assert asha.next_promotion() == "b"
    assert asha.next_promotion() is None
    assert say(asha, "b", 2, 0.7).decision is GO
    assert say(asha, "b", 3, 0.8).decision is PAUSE
    assert asha.next_promotion() is None
    for trial, score in (("d", 0.9), ("e", 0.1), ("f", 0.2)):
        say(asha, trial, 1, score)
    assert asha.next_promotion() == "d"
    assert asha.next_promotion() is None, "a is third of six"


def test_the_highest_rung_is_promoted_from_first():
    asha = build(kind="promote")
    for trial in "abcdefghi":
        say(asha, trial, 1, 0.1 * (ord(trial) - 96))
    promoted = [asha.next_promotion() for _ in range(3)]
    assert promoted == ["i", "h", "g"]
    for trial in promoted:
        say(asha, trial, 3, 0.5)
    say(asha, "j", 1, 2.0)
    assert asha.next_promotion() == "i", "three wait at rung 3: the earliest of equals goes on"
    assert asha.next_promotion() == "j"


def test_equals_do_not_go_on_together_where_one_has_earned_it():
    """Trials at chance level all score the same: a third of them go on, not all."""
    asha = build(kind="promote")
    for trial in "abcdef":
        say(asha, trial, 1, 0.1)
    assert [asha.next_promotion() for _ in range(3)] == ["a", "b", None]


def test_a_trial_that_jumped_a_rung_must_earn_the_one_where_it_waits():
    asha = build(kind="promote")
    say(asha, "x", 5, 0.9)
    for trial in "abcde":
        say(asha, trial, 1, 0.1)
    assert asha.next_promotion() != "x", "it waits at rung 3, alone"


def test_the_minimum_is_promoted_where_that_is_the_goal():
    asha = build(Goal.MINIMIZE, kind="promote")
    for trial, loss in (("a", 0.5), ("b", 0.1), ("c", 0.9)):
        say(asha, trial, 1, loss)
    assert asha.next_promotion() == "b"


def test_no_number_ends_a_trial_instead_of_pausing_it():
    asha = build(kind="promote")
    for trial, score in (("a", NAN), ("b", INF), ("c", 0.1), ("d", -INF)):
        assert say(asha, trial, 1, score).decision is (PAUSE if score == 0.1 else STOP)
    assert asha.next_promotion() is None, "one result is there, three are needed"


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    factor=st.sampled_from([2, 3]),
    resource=st.sampled_from(["epoch", "device_seconds"]),
)
def test_nobody_goes_beyond_a_rung_without_being_promoted_and_nobody_twice_from_one(seed, factor, resource):
    random = np.random.default_rng(seed)
    asha = build(kind="promote", reduction_factor=factor, resource=resource, max=27)
    levels = [factor**k for k in range(8) if factor**k < 27]
    at, reached, promoted_from = {}, {level: {} for level in levels}, []
    for step in range(120):
        promoted = asha.next_promotion()
        trial = promoted or f"t{step}"
        if promoted:
            assert promoted in at, "only who waits can go on"
            rung = max(level for level in levels if level <= at[promoted])
            promoted_from.append((promoted, rung))
            better = sum(score > reached[rung][promoted] for score in reached[rung].values())
            assert better < len(reached[rung]) // factor
        amount = at.pop(trial, 0)
        goal = next((level for level in levels if level > amount), math.inf)
        while amount < 27:
            amount += 1 if resource == "epoch" else float(random.uniform(0.3, 3))
            score = float(random.integers(3)) if seed % 2 else float(random.random())
            decision = say(asha, trial, math.ceil(amount), score, float(amount)).decision
            assert decision is (PAUSE if amount >= goal else GO), "it ran through a rung"
            for level in levels:
                if level <= amount:
                    reached[level].setdefault(trial, score)
            if decision is PAUSE:
                at[trial] = amount
                break
    assert len(promoted_from) == len(set(promoted_from))


# brackets and Ray's rule ----------------------------------------------------------------------------


def test_the_best_of_too_few_goes_on_to_its_end_when_nobody_else_will_come():
    """Of 4, 8 and 12 trials none was trained in full: one in three of a rung below three is nobody."""
    asha = scheduler["asha"](Goal.MAXIMIZE, 27, kind="promote")
    for number, trial in enumerate("abcd"):
        asha.on_report(trial, Report(1, 0.1 * number))
    assert asha.next_promotion() == "d"
    asha.on_report("d", Report(3, 0.9))
    assert (asha.next_promotion(), asha.last_promotion()) == (None, "d")
    asha.on_report("d", Report(9, 0.9))
    assert (asha.next_promotion(), asha.last_promotion()) == (None, "d")
    asha.on_report("d", Report(10, 0.9))
    assert asha.last_promotion() is None, "one is enough"


def test_brackets_take_turns_and_leave_out_the_first_rungs():
    asha = build(brackets=3)
    first = {trial: say(asha, trial, 1, 0.1).reason for trial in "abcdef"}
    assert [("below" in first[trial]) for trial in "abcdef"] == [False, True, True] * 2
    assert "rung at 3" in first["b"]
    assert "rung at 9" in first["c"]


def test_rays_rule_lets_the_first_pass_and_compares_with_those_before():
    asha = build(rule="ray", reduction_factor=2, epochs=4)
    assert say(asha, "a", 1, 0.5).decision is GO
    assert say(asha, "b", 1, 0.5).decision is GO, "not below the cutoff of 0.5"
    assert say(asha, "c", 1, 0.4).decision is STOP
    verdict = say(asha, "d", 1, 0.6)
    assert (verdict.decision, verdict.threshold) == (GO, 0.5)
    assert say(asha, "a", 1, 0.0).decision is GO, "one result a rung"


@given(
    scores=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), share=st.floats(0, 1, exclude_max=True)
)
def test_a_rungs_percentile_is_numpys(scores, share):
    rung = Rung(1)
    for place, score in enumerate(scores):
        rung.add(f"t{place}", score)
    assert rung.percentile(share) == pytest.approx(
        float(np.percentile(scores, share * 100)), rel=1e-9, abs=1e-9
    )
