from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.config.sections import SplitSpec
from sweeper.data.index import ImageRow
from sweeper.data.split import assign, quotas

SPLITS = ("train", "valid", "test")


def rows(counts, *, keys=None, split=None):
    """That many images of each class, all different."""
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    return [
        ImageRow(number, keys[number] if keys else f"{number}.jpg", label, f"{number:04x}", split, None)
        for number, label in enumerate(labels)
    ]


def classes(count):
    return [f"class {number}" for number in range(count)]


def members(assignment, every):
    return {split: {every[row].content for row in assignment.rows[split]} for split in SPLITS}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(0, 1000))
def test_every_image_is_in_one_split_and_every_class_in_each_where_it_can_be(counts, seed):
    every = rows(counts)
    found = assign(every, classes(len(counts)), SplitSpec(seed=seed))
    assert sorted(np.concatenate(list(found.rows.values())).tolist()) == list(range(len(every)))
    for label, count in enumerate(counts):
        per_split = [sum(every[row].label == label for row in found.rows[split]) for split in SPLITS]
        assert per_split[0] >= 1
        if count >= 3:
            assert min(per_split) >= 1
            assert abs(per_split[0] - 0.7 * count) <= 2


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (20, (14, 4, 2)), (100, (70, 20, 10))],
)
def test_quotas_give_train_the_first_image_and_valid_the_second(count, expected):
    assert quotas(count, (0.7, 0.2, 0.1)) == expected


def test_a_class_that_is_too_small_for_a_split_is_named():
    found = assign(rows([30, 1]), ["many", "lonely"], SplitSpec())
    assert [note for note in found.notes if "valid" in note and "'lonely'" in note]


def test_the_split_does_not_depend_on_the_order_or_names_of_files():
    every = rows([40, 30, 20])
    mixed = [ImageRow(0, f"other {row.key}", row.label, row.content, None, None) for row in every]
    mixed = [mixed[place] for place in np.random.default_rng(1).permutation(len(mixed))]
    one, other = (assign(each, classes(3), SplitSpec()) for each in (every, mixed))
    assert members(one, every) == members(other, mixed)


def test_another_seed_is_another_split():
    every = rows([40, 30])
    one, other = (assign(every, classes(2), SplitSpec(seed=seed)) for seed in (1, 2))
    assert members(one, every) != members(other, every)


def test_most_images_stay_where_they_were_when_one_is_added():
    before, after = rows([100]), [*rows([100]), ImageRow(100, "new.jpg", 0, "ffff", None, None)]
    one, other = (assign(each, classes(1), SplitSpec()) for each in (before, after))
    moved = sum(split_of(one, before, row.content) != split_of(other, after, row.content) for row in before)
    assert moved <= 3


def split_of(assignment, every, content):
    return next(split for split, found in members(assignment, every).items() if content in found)


def test_copies_stay_on_one_side_even_across_classes():
    every = [
        ImageRow(number, f"{number}.jpg", number % 5, f"{number // 3}", None, None) for number in range(300)
    ]
    found = members(assign(every, classes(5), SplitSpec()), every)
    assert not found["train"] & found["valid"]
    assert not found["train"] & found["test"]
    assert not found["valid"] & found["test"]
    assert sum(len(each) for each in found.values()) == 100


def test_a_pattern_keeps_photos_of_one_product_together():
    keys = [f"{number // 25}/product{number // 5}_{number % 5}.jpg" for number in range(500)]
    every = rows([25] * 20, keys=keys)
    found = assign(every, classes(20), SplitSpec(group_by=r"product\d+"))
    products = {split: {keys[row].split("_")[0] for row in found.rows[split]} for split in SPLITS}
    assert not products["train"] & products["valid"]
    assert not products["train"] & products["test"]
    assert len(found.rows["train"]) == pytest.approx(350, abs=60)


def test_three_groups_of_a_class_are_enough_for_the_three_splits():
    keys = [f"g{number // 10}_{number}.jpg" for number in range(60)]
    every = rows([30, 30], keys=keys)
    found = assign(every, classes(2), SplitSpec(group_by=r"g\d+"))
    for split in SPLITS:
        assert {every[row].label for row in found.rows[split]} == {0, 1}


def test_a_source_keeps_its_own_test_split():
    every = [*rows([50, 50]), *rows([5, 5], split="test")]
    every = [
        ImageRow(number, row.key, row.label, f"{number}", row.split, None) for number, row in enumerate(every)
    ]
    found = assign(every, classes(2), SplitSpec())
    assert found.rows["test"].tolist() == list(range(100, 110))
    assert len(found.rows["valid"]) == 22


def test_own_train_valid_and_test_splits_are_taken_as_they_are():
    every = [
        ImageRow(number, str(number), number % 2, str(number), SPLITS[number % 3], None)
        for number in range(30)
    ]
    found = assign(every, classes(2), SplitSpec())
    assert all(every[row].split == split for split in SPLITS for row in found.rows[split])


def test_a_training_image_that_equals_a_test_image_is_left_out():
    every = [
        *rows([20, 20]),
        ImageRow(40, "t", 0, "0003", "test", None),
        ImageRow(41, "u", 1, "0021", "test", None),
    ]
    found = assign(every, classes(2), SplitSpec())
    assert "0003" not in members(found, every)["train"] | members(found, every)["valid"]
    assert any("left out" in note for note in found.notes)


def test_folds_share_the_test_split_and_validate_every_other_image_once():
    every = rows([23, 41, 17])
    found = [assign(every, classes(3), SplitSpec(folds=4, fold=fold)) for fold in range(4)]
    assert len({tuple(each.rows["test"]) for each in found}) == 1
    validated = Counter(row for each in found for row in each.rows["valid"])
    assert set(validated.values()) == {1}
    assert len(validated) + len(found[0].rows["test"]) == 81
    sizes = [len(each.rows["valid"]) for each in found]
    assert max(sizes) - min(sizes) <= 3


def test_folds_of_images_with_copies_keep_copies_together():
    every = [ImageRow(number, f"{number}", number % 2, f"{number // 2}", None, None) for number in range(120)]
    for fold in range(3):
        found = members(assign(every, classes(2), SplitSpec(folds=3, fold=fold)), every)
        assert not found["train"] & found["valid"]
