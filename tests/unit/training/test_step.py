import copy

import pytest
import torch
from torch import Tensor, nn

from sweeper.config.sections import TrainSpec
from sweeper.training.optim import balanced_weights, build_loss, build_optimizer
from sweeper.training.step import Stepper

CPU = torch.device("cpu")


class Greedy(nn.Module):
    """Runs out of memory above so many images at once, as a device does."""

    def __init__(self, holds: int) -> None:
        super().__init__()
        self.holds = holds
        self.dense = nn.Linear(6, 3)
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.seen.append(len(x))
        return self.dense(x)


def batch(size: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.empty(size, 6).normal_(generator=generator), torch.arange(size) % 3


def stepper(module: nn.Module, *, weights: Tensor | None = None, **settings) -> Stepper:
    train = TrainSpec(optimizer="sgd", learning_rate=0.1, label_smoothing=0.1, **settings)
    return Stepper(
        module,
        build_optimizer(module, train, CPU),
        build_loss(train, weights),
        device=CPU,
        dtype=torch.float32,
        weights=weights,
        clip_norm=train.clip_norm,
    )


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 2.0, 1.0])])
@pytest.mark.parametrize("holds", [1, 5, 7])
def test_short_memory_changes_the_pieces_and_not_the_mathematics(holds, weights):
    roomy = Greedy(100)
    tight = copy.deepcopy(roomy)
    tight.holds = holds
    losses = [stepper(module, weights=weights)(*batch()) for module in (roomy, tight)]
    assert torch.allclose(*losses)
    assert all(
        torch.allclose(a, b, atol=1e-7) for a, b in zip(roomy.parameters(), tight.parameters(), strict=True)
    )
    assert sum(tight.seen) == 12


def test_the_smaller_piece_is_remembered():
    module = Greedy(3)
    step = stepper(module)
    step(*batch())
    module.seen.clear()
    step(*batch())
    assert module.seen == [3, 3, 3, 3]


def test_where_not_one_image_fits_memory_is_the_reason():
    with pytest.raises(MemoryError, match="not one image fits: CUDA out of memory"):
        stepper(Greedy(0))(*batch())


def test_another_error_is_not_taken_for_short_memory():
    with pytest.raises(RuntimeError, match="shapes"):
        stepper(Greedy(100))(torch.zeros(2, 5), torch.zeros(2, dtype=torch.int64))


def test_clipping_bounds_the_step():
    module = nn.Linear(6, 3)
    before = copy.deepcopy(module)
    stepper(module, clip_norm=1e-3, momentum=0.0, weight_decay=0.0)(*batch())
    moved = sum(
        ((a - b) ** 2).sum() for a, b in zip(module.parameters(), before.parameters(), strict=True)
    ).sqrt()
    assert moved.item() == pytest.approx(0.1 * 1e-3, rel=1e-2)


def test_labels_may_be_shares_of_the_classes():
    images, labels = batch()
    hard, soft = nn.Linear(6, 3), nn.Linear(6, 3)
    soft.load_state_dict(hard.state_dict())
    shares = torch.nn.functional.one_hot(labels, 3).float()
    losses = [stepper(hard)(images, labels), stepper(soft)(images, shares)]
    assert torch.allclose(*losses)


def test_balanced_weights_make_classes_equal_and_skip_the_empty():
    weights = balanced_weights(torch.tensor([0, 0, 0, 1]), 3)
    assert weights.tolist() == pytest.approx([4 / 6, 2.0, 0.0])
