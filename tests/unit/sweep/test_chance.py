import pytest

from sweeper.sweep.chance import chance_level, chance_note, images_per_class, is_always_right

SKEWED = [200, 8, 3]

LEVELS = [
    ("valid/top1", [7] * 10, 0.1),
    ("valid/top5", [7] * 25, 0.2),
    ("valid/top5", [7] * 3, 1.0),
    ("valid/top1", SKEWED, 200 / 211),
    ("test/top5", [50, 10, 10, 10, 10, 5, 5], 0.9),
    ("valid/balanced_top1", SKEWED, 1 / 3),
    ("valid/loss", [7] * 10, None),
    ("valid/top1", None, None),
    ("valid/top1", [0, 0], 0.5),
]


@pytest.mark.parametrize(("metric", "images", "level"), LEVELS)
def test_guessing_scores_the_share_of_the_largest_classes(metric, images, level):
    assert chance_level(metric, images) == (None if level is None else pytest.approx(level))


def test_top_five_of_five_classes_is_always_right_and_of_six_is_not():
    assert is_always_right("valid/top5", [1] * 5)
    assert not is_always_right("valid/top5", [1] * 6)
    assert not is_always_right("valid/top5", [9, 9, 9, 9, 9, 0])  # a network may name the sixth
    assert not is_always_right("valid/loss", [1] * 5)
    assert not is_always_right("valid/top5", None)


NOTES = [
    ("valid/top5", [7] * 4, "top-5 of 4 classes is always 100 %: use objective.metric: valid/top1"),
    (
        "valid/top1",
        SKEWED,
        "naming the largest class every time scores 94.8 %: objective.metric: valid/balanced_top1 counts "
        "every class alike",
    ),
    ("valid/balanced_top1", SKEWED, ""),
    ("valid/top1", [50, 50], ""),
    ("valid/top1", [60, 50, 40], ""),
    ("valid/loss", SKEWED, ""),
    ("valid/top1", None, ""),
]


@pytest.mark.parametrize(("metric", "images", "note"), NOTES)
def test_a_metric_that_a_guess_does_well_at_is_told(metric, images, note):
    assert chance_note(metric, images) == note


def test_a_record_that_tells_the_classes_alone_has_as_many_images_of_each():
    assert images_per_class({"valid_images": "[4, 1]", "classes": '["a", "b"]'}) == (4, 1)
    assert images_per_class({"classes": '["a", "b"]'}) == (1, 1)
    assert images_per_class({}) is None
