import pytest
import torch

from sweeper.inference.evaluation import evaluate
from sweeper.inference.sensitivity import DISTURBANCES, Disturbance, sensitivity
from sweeper.training.metrics import true_ranks


def images() -> torch.Tensor:
    return torch.empty(6, 3, 8, 8).uniform_(generator=torch.Generator().manual_seed(1))


def disturbed(disturbance: Disturbance, seed: int = 5) -> torch.Tensor:
    return disturbance(images(), torch.Generator().manual_seed(seed))


EXACT = [
    (Disturbance("x", is_mirrored=True), lambda batch: batch.flip(3)),
    (Disturbance("x", is_upended=True), lambda batch: batch.flip(2)),
    (Disturbance("x", rotation=180), lambda batch: batch.flip((2, 3))),
    (Disturbance("x"), lambda batch: batch),
]


@pytest.mark.parametrize(("disturbance", "expected"), EXACT)
def test_flips_and_half_turns_move_pixels_and_change_none(disturbance, expected) -> None:
    torch.testing.assert_close(disturbed(disturbance), expected(images()), atol=1e-5, rtol=0)


def test_a_shift_moves_every_image_by_that_share_of_its_side_in_one_of_four_directions() -> None:
    moved = disturbed(Disturbance("x", shift=0.25))
    for before, after in zip(images(), moved, strict=True):
        candidates = [
            before.roll((2 * down, 2 * right), (1, 2)) for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1))
        ]
        inner = [torch.allclose(after[:, 2:6, 2:6], each[:, 2:6, 2:6], atol=1e-5) for each in candidates]
        assert sum(inner) == 1


def test_the_table_has_the_studys_rows_and_the_same_figures_each_time(open_shelf) -> None:
    opened = open_shelf(1)
    table = list(sensitivity(opened, "valid"))
    assert [row.name for row in table] == [each.name for each in DISTURBANCES]
    assert [row.name for row in table][:4] == ["rotation 45°", "rotation 180°", "shift 0.1", "shift 0.2"]
    assert table == list(sensitivity(opened, "valid"))


def test_a_row_is_the_accuracy_on_mirrored_images(open_shelf) -> None:
    opened = open_shelf(1)
    row = next(row for row in evaluate(opened, "valid").sensitivity if row.name == "flip left-right")
    mirrored = opened.pixels("valid").flip(2)
    ranks = true_ranks(opened.model.probabilities(mirrored), opened.dataset.labels("valid"))
    assert row.top1 == pytest.approx((ranks < 1).double().mean().item())
    assert row.top5 == pytest.approx((ranks < 5).double().mean().item())
