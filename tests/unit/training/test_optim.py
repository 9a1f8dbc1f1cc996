import pytest
import torch
from torch import nn

from sweeper.config.sections import TrainSpec
from sweeper.training.optim import build_optimizer, learning_rate, set_learning_rate

CPU = torch.device("cpu")


def rates(schedule: str, steps: int = 100) -> list[float]:
    train = TrainSpec(schedule=schedule, learning_rate=0.4)
    return [learning_rate(train, step, steps) for step in range(steps)]


def test_constant_stays():
    assert set(rates("constant")) == {0.4}


def test_cosine_falls_from_the_peak_to_nearly_nothing():
    found = rates("cosine")
    assert found[0] == 0.4
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.001


def test_one_cycle_rises_for_a_quarter_and_falls_to_nearly_nothing():
    found = rates("one_cycle")
    assert found.index(max(found)) in (24, 25)
    assert max(found) == pytest.approx(0.4)
    assert found[:25] == sorted(found[:25])
    assert found[25:] == sorted(found[25:], reverse=True)
    assert 0 < found[-1] < 0.001


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_trainings_have_rates_too(schedule, steps):
    assert all(0 < rate <= 0.4 for rate in rates(schedule, steps))


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
def test_weight_decay_leaves_biases_and_norms_alone(optimizer):
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    built = build_optimizer(module, TrainSpec(optimizer=optimizer, weight_decay=0.1), CPU)
    decayed, plain = built.param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    assert len(decayed["params"]) == 2
    assert len(plain["params"]) == 4


def test_frozen_parameters_are_not_handed_to_the_optimizer():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[0].requires_grad_(requires_grad=False)
    built = build_optimizer(module, TrainSpec(), CPU)
    assert sum(len(group["params"]) for group in built.param_groups) == 2


def test_the_rate_is_set_for_every_group():
    built = build_optimizer(nn.Linear(2, 2), TrainSpec(), CPU)
    set_learning_rate(built, 0.123)
    assert {group["lr"] for group in built.param_groups} == {0.123}
