import pytest
import torch
from torch import nn

from sweeper.config.sections import TrainSpec
from sweeper.errors import SpecError
from sweeper.training.optim import build_optimizer, learning_rate, set_learning_rate
from sweeper.training.parameter_groups import check_optimizer

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


def test_linear_falls_evenly_to_nearly_nothing():
    assert rates("linear", 4) == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_warm_up_stable_decay_rises_for_a_twentieth_and_falls_for_the_last_two_fifths():
    found = rates("warmup_stable_decay")
    assert found[:5] == pytest.approx([0.08, 0.16, 0.24, 0.32, 0.4])
    assert set(found[5:60]) == {0.4}
    assert found[60:] == pytest.approx([0.01 * left for left in range(40, 0, -1)])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear", "one_cycle", "warmup_stable_decay"])
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


def network() -> nn.Module:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.Flatten(),
        nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2),
    )  # fmt: skip
    return module.to(memory_format=torch.channels_last)


def stepped(built, module, steps=3):
    for step in range(steps):
        set_learning_rate(built, 0.02 / (1 + step))
        built.zero_grad(set_to_none=True)
        images = torch.empty(8, 3, 5, 5).normal_(generator=torch.Generator().manual_seed(step))
        module(images.contiguous(memory_format=torch.channels_last)).square().mean().backward()
        built.step()


def test_biases_norms_and_head_have_rates_of_their_own():
    train = TrainSpec(bias_rate=2.0, norm_rate=3.0, head_rate=0.5)
    module = network()
    built = build_optimizer(module, train, CPU)
    set_learning_rate(built, 0.1)
    found = {
        id(p): (group["lr"], group["weight_decay"]) for group in built.param_groups for p in group["params"]
    }
    assert found[id(module[0].weight)] == (pytest.approx(0.1), 1e-4)
    assert found[id(module[0].bias)] == (pytest.approx(0.2), 0.0)
    assert found[id(module[1].weight)] == found[id(module[1].bias)] == (pytest.approx(0.3), 0.0)
    assert found[id(module[7].weight)] == (pytest.approx(0.05), 1e-4)
    assert len(found) == len(list(module.parameters()))


def test_muon_moves_the_matrices_as_torch_does_and_adamw_the_rest():
    """A convolution is given to torch's Muon as one row a filter."""
    module = network()
    built = build_optimizer(module, TrainSpec(optimizer="muon", momentum=0.8, weight_decay=0.1), CPU)
    assert built.param_groups[0]["params"] == [module[0].weight, module[3].weight, module[5].weight]
    weights = [module[0].weight, module[7].weight]
    before = [weight.detach().clone() for weight in weights]
    stepped(built, module, steps=1)
    rows, head = (nn.Parameter(weight.flatten(1)) for weight in before)
    rows.grad, head.grad = weights[0].grad.flatten(1), weights[1].grad
    torch.optim.Muon([rows], lr=0.02, momentum=0.8, weight_decay=0.1, adjust_lr_fn="match_rms_adamw").step()
    torch.optim.AdamW([head], lr=0.02, weight_decay=0.1).step()
    assert torch.allclose(weights[0].flatten(1), rows, atol=2e-3), "bf16 rounds by the order of the columns"
    assert not torch.allclose(before[0].flatten(1), rows, atol=2e-3)
    assert torch.allclose(weights[1], head)


def test_a_network_without_matrices_before_its_head_is_refused_for_muon():
    train = TrainSpec(optimizer="muon")
    with pytest.raises(SpecError, match="muon moves the matrices before the head"):
        check_optimizer(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), train)
    check_optimizer(network(), train)
