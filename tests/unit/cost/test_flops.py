from dataclasses import replace

import pytest

from sweeper.cost import Workload, estimator

DIGITS = Workload(flops=640e3, layers=12, train_images=1257, valid_images=359, epochs=20, batch_size=128)


def seconds(workload: Workload, **options) -> float:
    return estimator["flops"](workload, **estimator.check("flops", options)).seconds


def test_the_measured_digits_trial_lies_within_the_range():
    estimate = estimator["flops"](DIGITS)
    assert estimate.low < 1.2 < estimate.high  # measured: 20 epochs of 0.06 s on one Skylake core


@pytest.mark.parametrize(
    "more", [{"flops": 1e9}, {"layers": 100}, {"train_images": 9999}, {"epochs": 40}, {"batch_size": 8}]
)
def test_more_work_takes_longer(more):
    assert seconds(replace(DIGITS, **more)) > seconds(DIGITS)


def test_a_known_speed_is_used():
    heavy = replace(DIGITS, flops=1e12)
    assert seconds(heavy, gflops=80) == pytest.approx(seconds(heavy, gflops=40) / 2, rel=1e-3)


def test_a_gpu_is_faster_at_large_networks():
    heavy = replace(DIGITS, flops=1e9)
    assert seconds(replace(heavy, is_gpu=True)) < seconds(heavy)
