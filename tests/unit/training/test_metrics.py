import math

import pytest
import torch
from torch.nn import functional as F

from sweeper.training.metrics import Tally, clipped_top, true_ranks

CPU = torch.device("cpu")


def test_ranks_agree_with_sorting():
    logits = torch.empty(50, 9).normal_(generator=torch.Generator().manual_seed(1))
    labels = torch.arange(50) % 9
    order = logits.argsort(1, descending=True)
    expected = (order == labels.unsqueeze(1)).float().argmax(1)
    assert torch.equal(true_ranks(logits, labels), expected)


@pytest.mark.parametrize("value", [0.0, math.nan])
def test_equal_logits_and_nan_count_as_wrong(value):
    assert true_ranks(torch.full((3, 7), value), torch.tensor([0, 3, 6])).tolist() == [6, 6, 6]


def test_a_tally_over_uneven_batches_is_the_whole():
    logits = torch.empty(10, 6).normal_(generator=torch.Generator().manual_seed(2))
    labels = torch.arange(10) % 6
    tally = Tally(CPU, classes=6)
    for rows in torch.arange(10).split(4):
        tally.add(logits[rows], labels[rows], F.cross_entropy(logits[rows], labels[rows]))
    loss, top1, top5, balanced = (tally.result()[name] for name in ("loss", "top1", "top5", "balanced_top1"))
    assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-6)
    assert top1 == pytest.approx((logits.argmax(1) == labels).double().mean().item())
    recalls = [(logits.argmax(1) == labels)[labels == each].double().mean().item() for each in range(6)]
    assert balanced == pytest.approx(sum(recalls) / 6)
    assert top5 == pytest.approx(
        (logits.topk(5).indices == labels.unsqueeze(1)).any(1).double().mean().item()
    )


def test_rare_classes_count_as_much_as_common_ones_in_the_balanced_accuracy():
    labels = torch.tensor([0] * 8 + [1, 1])
    always_the_first = torch.tensor([[1.0, 0.0, 0.0]]).repeat(10, 1)
    tally = Tally(CPU, classes=3)
    for rows in torch.arange(10).split(3):
        tally.add(always_the_first[rows], labels[rows], torch.tensor(0.0))
    figures = tally.result()
    assert figures["top1"] == pytest.approx(0.8)
    assert figures["balanced_top1"] == pytest.approx(0.5)  # the third class has no image


def test_what_was_not_measured_is_no_number():
    assert all(math.isnan(value) for value in Tally(CPU, classes=2).result().values())


@pytest.mark.parametrize(("classes", "k"), [(2, 2), (4, 4), (5, 5), (256, 5)])
def test_k_is_never_more_than_the_classes(classes, k):
    assert clipped_top(classes) == k
