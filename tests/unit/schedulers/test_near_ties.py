"""Trials that miss the cut by no more than chance explains go on together, and not too many of them."""

import numpy as np
import pytest

from sweeper.errors import SpecError
from sweeper.schedulers import KnowsNoise, scheduler
from sweeper.trial import Decision, Goal, Report

IMAGES = 400
"""At 80 % two runs differ by 2 points: the square root of 2 * half of 0.8 * 0.2 / 400."""


def build(images=IMAGES, goal=Goal.MAXIMIZE, **options):
    asha = scheduler["asha"](goal, 27, **{"ties": "together", **options})
    assert isinstance(asha, KnowsNoise)
    if images:
        asha.validated_on(images)
    return asha


def told(asha, *scores):
    """The verdicts on trials that report so at the first rung, one after the other."""
    return [asha.on_report(f"t{n}", Report(1, score)) for n, score in enumerate(scores)]


def promoted(asha):
    return list(iter(asha.next_promotion, None))


def test_one_that_misses_the_cut_by_less_than_the_noise_goes_on_and_is_told_why():
    near = told(build(), 0.5, 0.5, 0.80, 0.79)[-1]
    assert (near.decision, near.rank, near.threshold) == (Decision.CONTINUE, 2, 0.80)
    assert near.reason == "within the noise of the last of the best 1 of 4 at rung 1 epoch"
    far = told(build(), 0.5, 0.5, 0.80, 0.77)[-1]
    assert (far.decision, far.reason) == (Decision.STOP, "not among the best 1 of 4 at rung 1 epoch")


@pytest.mark.parametrize(("options", "images"), [({"ties": "rank"}, IMAGES), ({}, 0), ({}, 1_000_000)])
def test_by_rank_or_without_noise_the_place_alone_decides(options, images):
    assert told(build(images, **options), 0.5, 0.5, 0.80, 0.79)[-1].decision is Decision.STOP


def test_at_most_half_as_many_as_there_are_places_go_on_besides():
    scores = [0.7, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0.8, 0.8, 0.8, 0.8]
    found = told(build(), *scores, *[0.795] * 5)[-5:]
    assert [each.rank for each in found] == [5, 6, 7, 8, 9], (
        "of 17 results five have a place, three more a tie"
    )
    assert [each.decision for each in found] == [Decision.CONTINUE] * 4 + [Decision.STOP]


def test_near_ties_are_promoted_together_and_not_too_many():
    asha = build(kind="promote")
    told(asha, 0.80, 0.79, 0.785, 0.5, 0.5, 0.5)
    assert promoted(asha) == ["t0", "t1", "t2"], "two places and one more"
    assert promoted(build(kind="promote")) == []
    apart = build(kind="promote")
    told(apart, 0.80, 0.79, 0.70, 0.5, 0.5, 0.5)
    assert promoted(apart) == ["t0", "t1"]


def test_about_half_as_many_more_go_on_at_most_however_the_places_grow():
    counts = []
    for ties in ("rank", "together"):
        asha, scores = build(kind="promote", ties=ties), np.random.default_rng(2).normal(0.8, 0.005, 90)
        found = []
        for number, score in enumerate(scores):
            asha.on_report(f"t{number}", Report(1, float(score)))
            found += promoted(asha)
        counts.append(len(found))
    assert counts[0] < counts[1] <= 1.6 * counts[0]


def test_the_same_reports_give_the_same_verdicts():
    scores = list(np.random.default_rng(1).normal(0.8, 0.02, 60))
    assert told(build(), *scores) == told(build(), *scores)


def test_a_loss_knows_no_ties():
    assert told(build(goal=Goal.MINIMIZE), 2.5, 2.5, 1.80, 1.801)[-1].decision is Decision.STOP


def test_the_rule_of_ray_knows_no_ties():
    with pytest.raises(SpecError, match="rule ray knows no ties"):
        build(rule="ray")
