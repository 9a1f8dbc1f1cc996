"""Our ASHA with Ray's rule switched on decides as `ray.tune.schedulers.ASHAScheduler` does."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from ray.tune.schedulers import ASHAScheduler

from sweeper.schedulers import scheduler
from sweeper.trial import Decision, Goal, Report

pytestmark = pytest.mark.integration
TRACES = 200


def trace(random, epochs):
    """Reports of trials that run side by side; some jump over epochs, many scores are equal."""
    jumps, coarse = random.random() < 0.3, random.random() < 0.3
    reached = dict.fromkeys(range(int(random.integers(2, 40))), 0)
    while reached:
        trial = int(random.choice(list(reached)))
        reached[trial] += int(random.integers(1, 5)) if jumps else 1
        if reached[trial] >= epochs:
            del reached[trial]
            continue
        score = float(random.normal())
        stopped = yield f"t{trial}", reached[trial], round(score, 0) if coarse else score
        if stopped:
            del reached[trial]


def test_two_hundred_random_traces_are_decided_alike():
    compared = stopped = 0
    for seed in range(TRACES):
        random = np.random.default_rng(seed)
        epochs, factor = int(random.integers(5, 82)), float(random.choice([2, 3, 4, 2.5]))
        grace, goal = int(random.integers(1, 4)), Goal(random.choice(list(Goal)))
        ours = scheduler["asha"](goal, epochs, grace=grace, reduction_factor=factor, rule="ray")
        theirs = ASHAScheduler(
            time_attr="epoch", metric="score", mode=goal[:3], max_t=epochs, grace_period=grace,
            reduction_factor=factor,
        )  # fmt: skip
        added, says = set(), trace(random, epochs)
        said = next(says, None)
        while said is not None:
            trial, epoch, score = said
            tune = SimpleNamespace(trial_id=trial)
            if trial not in added:
                added.add(trial)
                theirs.on_trial_add(None, tune)
            expected = theirs.on_trial_result(None, tune, {"epoch": epoch, "score": score})
            found = ours.on_report(trial, Report(epoch, score)).decision
            assert (found is Decision.STOP) == (expected == ASHAScheduler.STOP), (seed, said)
            compared += 1
            stopped += found is Decision.STOP
            try:
                said = says.send(found is Decision.STOP)
            except StopIteration:
                said = None
    assert compared > 5_000
    assert stopped > 1_000


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_stops_here_and_goes_on_there(score):
    theirs = ASHAScheduler(time_attr="epoch", metric="score", mode="max", max_t=9, grace_period=1)
    tune = SimpleNamespace(trial_id="t")
    theirs.on_trial_add(None, tune)
    assert theirs.on_trial_result(None, tune, {"epoch": 1, "score": score}) == ASHAScheduler.CONTINUE
    ours = scheduler["asha"](Goal.MAXIMIZE, 9, rule="ray")
    assert ours.on_report("t", Report(1, score)).decision is Decision.STOP
