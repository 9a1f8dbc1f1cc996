import base64
import io

import numpy as np
import torch
from PIL import Image

from sweeper.inference.evaluation import evaluate
from sweeper.inference.sample_mistakes import MOST, sample_mistakes

CLASSES = ("a", "b", "c")


def answers(true: list[int], predicted: list[int], sure: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits whose largest probability is what is wanted; the others share the rest."""
    shares = torch.tensor([[(1 - each) / 2] * 3 for each in sure])
    shares[range(len(sure)), predicted] = torch.tensor(sure)
    return shares.log(), torch.tensor(true)


def numbered(count: int, side: int = 8, channels: int = 1, batch: int = 4):
    """Pictures whose every value is their place, some at a time."""
    rows = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(count, side, side, channels)
    return rows.split(batch)


def picture(address: str) -> Image.Image:
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_most_confused_pair_comes_first_and_its_surest_mistake_before_others() -> None:
    logits, labels = answers([0, 0, 1, 2, 2, 0], [1, 1, 1, 0, 1, 1], [0.5, 0.9, 0.9, 0.99, 0.4, 0.7])
    found = list(sample_mistakes(logits, labels, CLASSES, numbered(6)))
    assert [(each.row, each.true, each.predicted) for each in found] == [
        (1, "a", "b"), (5, "a", "b"), (0, "a", "b"), (3, "c", "a"), (4, "c", "b"),
    ]  # fmt: skip
    assert [round(each.confidence, 2) for each in found] == [0.9, 0.7, 0.5, 0.99, 0.4]
    assert [np.asarray(picture(each.png)).max() for each in found] == [1, 5, 0, 3, 4]


def test_a_pair_has_three_pictures_and_all_pairs_together_few() -> None:
    logits, labels = answers([0] * 9, [1] * 9, [0.9] * 9)
    assert len(list(sample_mistakes(logits, labels, CLASSES, numbered(9)))) == 3
    many = torch.eye(60)[torch.arange(1, 61) % 60] * 5
    classes = tuple(map(str, range(60)))
    assert len(list(sample_mistakes(many, torch.arange(60), classes, numbered(60)))) == MOST


def test_pictures_are_small_whatever_the_images_are() -> None:
    logits, labels = answers([0], [1], [0.9])
    noise = torch.randint(0, 256, (1, 320, 320, 3), dtype=torch.uint8)
    (found,) = sample_mistakes(logits, labels, CLASSES, [noise])
    assert picture(found.png).size == (64, 64)
    assert len(found.png) < 24_000, "the report refuses larger ones"


def test_a_network_without_mistakes_needs_no_pictures() -> None:
    logits, labels = answers([0, 1], [0, 1], [0.9, 0.9])
    assert list(sample_mistakes(logits, labels, CLASSES, iter(()))) == []


def test_an_evaluation_shows_the_very_images_that_it_got_wrong(open_shelf) -> None:
    opened = open_shelf(0)
    evaluation = evaluate(opened, "test")
    pixels = opened.pixels("test")
    shares = opened.model.probabilities(pixels)
    assert evaluation.mistakes
    for mistake in evaluation.mistakes:
        assert np.array_equal(np.asarray(picture(mistake.png)), pixels[mistake.row].numpy())
        assert opened.model.classes[int(shares[mistake.row].argmax())] == mistake.predicted != mistake.true
