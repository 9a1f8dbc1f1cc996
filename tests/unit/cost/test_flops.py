from dataclasses import replace

import pytest

from sweeper.cost import TimingData, Work, estimator

DIGITS = Work(
    flops=640e3, values=9e3, layers=12, parameters=20_000, inputs=64, steps=40, train_images=1257,
    valid_images=359, valid_steps=3,
)  # fmt: skip


def seconds(work: Work, *, is_gpu: bool = False, **options) -> float:
    pace = estimator["flops"](TimingData(is_gpu), **estimator.check("flops", options))
    assert pace is not None
    return pace.seconds(work)


def test_a_measured_digits_epoch_lies_within_a_factor_of_three():
    assert 0.16 / 3 < seconds(DIGITS) < 0.16 * 3  # 0.13 to 0.2 s of one Skylake core


@pytest.mark.parametrize(
    "more",
    [{"flops": 1e9}, {"layers": 100}, {"train_images": 9999}, {"steps": 400}, {"augmentation": 3072.0}],
)
def test_more_work_takes_longer(more):
    assert seconds(replace(DIGITS, **more)) > seconds(DIGITS)


def test_a_known_speed_is_used():
    heavy = replace(DIGITS, flops=1e12)
    assert seconds(heavy, gflops=80) == pytest.approx(seconds(heavy, gflops=40) / 2, rel=1e-3)


def test_a_gpu_is_faster_at_large_networks():
    heavy = replace(DIGITS, flops=1e9)
    assert seconds(heavy, is_gpu=True) < seconds(heavy) / 10
