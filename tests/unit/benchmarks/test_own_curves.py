import json

import pytest
from parts.curve_recorder import NUMBERS
from parts.own_curves import Candidate, grounds, one_epoch, table
from parts.varied_sets import EPOCHS, SETS, TYPICAL

from sweeper.trial import Report, canonical

CONFIG = {**TYPICAL, "pixels": 24}


def rows(name, number, scores, seconds=6.0, config=CONFIG):
    same = {"set": name, "number": number, "schedule": "linear", "config": json.dumps(config), "ema": 0.9}
    figures = dict.fromkeys(NUMBERS, 0.0)
    return [
        {**same, "epoch": epoch, **figures, "top1": score, "top5": score, "seconds": seconds * epoch / EPOCHS}
        for epoch, score in enumerate(scores, start=1)
    ]


def test_a_candidate_counts_when_every_set_has_it_with_its_best_score_and_all_its_seconds():
    everywhere = [row for name in SETS for row in rows(name, 3, [0.5, 0.7, 0.6] + [0.6] * (EPOCHS - 3))]
    once = rows("digits", 4, [0.9] * EPOCHS)

    candidates, known = grounds([*everywhere, *once])

    assert candidates == [Candidate(3, "linear")]
    assert [ground.scores[0] for ground in known.values()] == pytest.approx([0.7] * len(SETS))
    assert known["cifar"].seconds[0] == pytest.approx(6.0)


def test_a_training_that_diverged_goes_on_with_nothing_at_its_own_pace():
    curve = table(rows("cifar", 0, [0.4, float("nan")]), "cifar").curves[canonical(CONFIG)]

    assert [report.score for report in curve[:3]] == [0.4, 0.0, 0.0]
    assert len(curve) == EPOCHS
    assert curve[-1].device_seconds == pytest.approx(curve[1].device_seconds * EPOCHS / 2)


def test_one_epoch_each_spends_half_and_then_trains_the_best_in_full():
    finals = {0: 0.2, 1: 0.9, 2: 0.4}

    def workload(trial):
        for epoch in (1, 2):
            yield Report(epoch, finals[trial.number] * epoch / 2, float(epoch))

    found = one_epoch(workload, [{}, {}, {}], budget=4)

    assert found.trials == 2
    assert found.steps == [(1.0, 0.1), (2.0, 0.45), (3.0, 0.9)]
