import pytest
import torch
from torch import nn

from sweeper.config.sections import TrainSpec
from sweeper.training.batch import automatic_batch, even_batches, largest_batch


@pytest.mark.parametrize(
    ("images", "batch_size", "expected"),
    [
        (1257, 128, (125, 10)),
        (100, 100, (100, 1)),
        (100, 1000, (100, 1)),
        (129, 128, (64, 2)),
        (1, 128, (1, 1)),
        (7, 3, (2, 3)),
    ],
)
def test_batches_are_even_and_never_larger_than_asked_for(images, batch_size, expected):
    size, steps = even_batches(images, batch_size)
    assert (size, steps) == expected
    assert size <= batch_size
    assert images - size * steps < steps


@pytest.mark.parametrize("images", [3, 5, 7, 1001])
def test_pairs_of_an_odd_number_are_pairs_and_leave_one_image_out(images):
    """Evened out they were batches of one, which BatchNorm refuses at 1 px, and half of the images."""
    assert even_batches(images, 2) == (2, images // 2)


@pytest.mark.parametrize(
    ("holds", "limit", "expected"),
    [(1000, 10_000, 512), (1000, 600, 600), (40, 10_000, 32), (9, 10_000, 8), (0, 100, 1), (10**9, 20, 20)],
)
def test_the_batch_doubles_while_it_fits_and_never_beyond_the_limit(holds, limit, expected):
    assert largest_batch(lambda size: size <= holds, limit) == expected


@pytest.mark.parametrize(("limit", "expected"), [(5000, 128), (50, 50)])
def test_a_cpu_takes_128_or_the_whole_training_split(limit, expected):
    found = automatic_batch(
        nn.Linear(2, 2), TrainSpec(), key="x", shape=(1, 8, 8), limit=limit, device=torch.device("cpu")
    )
    assert found == expected
