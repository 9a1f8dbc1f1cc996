import math
from dataclasses import replace

import numpy as np
import pytest

from sweeper.cost import Pace, Timing, TimingData, Work, estimator
from sweeper.cost.fit import fitted, left_out
from sweeper.cost.flops import CPU, table

MACHINE = Pace((2e-11, 1.5e-9, 4e-5, 3e-9, 8e-9, 0.1), 0.0, 0.0, "probe")
"""A machine whose costs nobody has told the table."""


def works(count: int, seed: int = 0) -> list[Work]:
    draw = np.random.default_rng(seed)
    return [
        Work(
            flops=10 ** draw.uniform(4.5, 8),
            values=10 ** draw.uniform(3, 5),
            layers=int(draw.integers(5, 40)),
            parameters=int(10 ** draw.uniform(2, 6)),
            inputs=3 * 32**2,
            steps=int(draw.integers(5, 100)),
            train_images=int(draw.integers(500, 5000)),
            valid_images=400,
            valid_steps=3,
            augmentation=float(draw.choice([0, 3072])),
        )
        for _ in range(count)
    ]


def timed(some: list[Work], noise: float = 0.0) -> tuple[Timing, ...]:
    draw = np.random.default_rng(1)
    return tuple(Timing(w, MACHINE.seconds(w) * math.exp(noise * draw.standard_normal())) for w in some)


def wrong(pace: Pace, some: list[Work]) -> list[float]:
    return [abs(pace.seconds(work) / MACHINE.seconds(work) - 1) for work in some]


def test_many_timings_recover_what_the_machine_costs():
    pace = fitted(timed(works(200)), table(is_gpu=False))
    assert pace.costs[0] == pytest.approx(MACHINE.costs[0], rel=0.05)
    assert max(wrong(pace, works(50, seed=2))) < 0.1


def test_six_timings_foresee_other_networks_better_than_the_table():
    pace = fitted(timed(works(6), noise=0.05), table(is_gpu=False))
    others = works(50, seed=2)
    assert np.median(wrong(pace, others)) < 0.2
    assert np.median(wrong(pace, others)) < np.median(wrong(table(is_gpu=False), others)) / 2


def test_no_cost_is_ever_negative():
    nonsense = tuple(Timing(work, 1 / (1 + number)) for number, work in enumerate(works(8)))
    assert min(fitted(nonsense, table(is_gpu=False)).costs) >= 0


def test_what_the_timings_say_nothing_of_keeps_the_tables_proportion():
    plain = [replace(work, augmentation=0.0) for work in works(6)]
    pace = fitted(timed(plain), table(is_gpu=False))
    assert pace.costs[4] > 0
    assert pace.costs[4] / CPU[4] == pytest.approx(2, rel=0.8)  # the machine is about twice as slow


def test_how_sure_a_fit_is_needs_three_timings():
    assert math.isnan(left_out(timed(works(2)), table(is_gpu=False)))
    assert left_out(timed(works(20)), table(is_gpu=False)) < 0.5


def test_two_timings_are_too_few_for_a_pace():
    two = timed(works(2))
    assert estimator["probe"](TimingData(probes=two)) is None
    assert estimator["history"](TimingData(records=two)) is None


def test_a_pace_says_where_it_comes_from_and_a_probe_is_surer_than_a_memory():
    three = timed(works(3))
    probe, history = (
        estimator["probe"](TimingData(probes=three)),
        estimator["history"](TimingData(records=three)),
    )
    flops = estimator["flops"](TimingData())
    assert probe is not None
    assert history is not None
    assert flops is not None
    assert [pace.source for pace in (probe, history, flops)] == ["probe", "history", "table"]
    assert probe.common < history.common < flops.common
