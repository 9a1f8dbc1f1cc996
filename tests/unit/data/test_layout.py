"""What a tree of folders means: splits are never classes by accident, and nothing is left out in silence."""

import os

import pytest

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import describe, open_source
from sweeper.data.sources.parts.split_words import splits_among
from sweeper.errors import DataError


def spec(root, **options):
    return DatasetSpec.model_validate({"source": "image_folder", "root": str(root), **options})


@pytest.fixture
def facts(tmp_path):
    def of(root, **options):
        return describe(spec(root, **options), tmp_path / "cache")

    return of


def split(folders, count=4):
    return {f"{folder}/{name}": count for folder in folders for name in ("cat", "dog")}


SPELLINGS = {
    ("train", "val"): ("train", "valid"),
    ("Train", "TEST"): ("train", "test"),
    ("training_set", "test_set"): ("train", "test"),
    ("TrainingSet", "TestSet"): ("train", "test"),
    ("seg_train", "seg_test"): ("train", "test"),
    ("train", "dev"): ("train", "valid"),
    ("train", "eval"): ("train", "valid"),
    ("train", "dev", "eval"): ("train", "valid", "test"),
    ("training", "validation", "testing"): ("train", "valid", "test"),
    ("train_images", "valid-images"): ("train", "valid"),
    ("train2017", "val2017"): ("train", "valid"),
    ("cifar10-train", "cifar10-test"): ("train", "test"),
    ("trainval", "holdout"): ("train", "test"),
    ("asl_alphabet_train", "asl_alphabet_test"): ("train", "test"),
}


@pytest.mark.parametrize(("names", "expected"), SPELLINGS.items(), ids=["+".join(row) for row in SPELLINGS])
def test_split_folders_are_never_classes_however_they_are_spelled(photos, names, expected):
    given = open_source(spec(photos(split(names, 2))))
    assert list(given.classes) == ["cat", "dog"]
    assert {item.key.split("/")[0]: item.split for item in given.items} == dict(
        zip(names, expected, strict=True)
    )
    assert all(
        f"{name}/ is the {meaning} split" in given.layout
        for name, meaning in zip(names, expected, strict=True)
    )


CLASSES = [
    ("steam_train", "freight_train"),
    ("cat", "dog"),
    ("crash test dummy", "test tube"),
    ("контест", "cat"),
]


@pytest.mark.parametrize("names", CLASSES, ids=" ".join)
def test_a_class_whose_name_holds_a_splits_word_stays_a_class(names):
    assert splits_among(names) == {}


def test_what_systems_add_and_empty_folders_decide_nothing(photos, facts):
    root = photos(split(("train", "val")))
    (root / "__MACOSX" / "train").mkdir(parents=True)
    (root / "__MACOSX" / "train" / "_0.jpg").write_bytes(b"\0\5\x16\7")
    (root / ".DS_Store").write_bytes(b"x")
    (root / "README").write_text("hello")
    (root / "empty" / "deep").mkdir(parents=True)
    found = facts(root)
    assert found.classes == ("cat", "dog")
    assert found.per_split == {"train": 8, "valid": 8, "test": 0}
    assert [note for note in found.warnings if "empty/ has no images" in note]
    assert not [note for note in found.warnings if "MACOSX" in note or "README" in note]


@pytest.mark.parametrize(
    "names", [("train", "val", "cat"), ("bus", "car", "train")], ids=["splits and a class", "a class train"]
)
def test_what_may_be_splits_or_classes_is_refused_with_both_ways_to_say_it(photos, names):
    root = photos({f"{name}/{'x' if len(names) == 3 and 'val' in names else ''}": 2 for name in names})
    with pytest.raises(DataError, match=r"layout=classes.*layout=splits"):
        open_source(spec(root))
    assert set(open_source(spec(root, layout="classes")).classes) == set(names)


def test_layout_splits_leaves_the_other_folders_out_and_says_so(photos, facts):
    found = facts(photos({**split(("train", "val")), "more": 3}), layout="splits")
    assert found.classes == ("cat", "dog")
    assert [note for note in found.warnings if note.startswith("3 images not used, as more/ is no split")]


def test_splits_that_hold_images_and_no_class_folders_are_refused(photos):
    with pytest.raises(DataError, match=r"no class folders in them.*train/cat/1\.jpg"):
        open_source(spec(photos({"train": 3, "test": 3})))


def test_only_a_test_folder_is_refused_with_the_root_to_name(photos):
    with pytest.raises(DataError, match=r"none of them to train on.*dataset\.root=.*/test"):
        open_source(spec(photos(split(("test",)))))


def test_a_folder_to_train_on_alone_is_divided_and_that_is_said(photos, facts):
    found = facts(photos(split(("train",), 10)))
    assert found.per_split == {"train": 14, "valid": 4, "test": 2}
    assert "valid and test come out of it" in found.layout


def test_the_folder_that_an_archive_wraps_around_the_classes_is_passed_and_said(photos):
    given = open_source(spec(photos({"photos/images/cat": 2, "photos/images/dog": 2, "__MACOSX": 1})))
    assert list(given.classes) == ["cat", "dog"]
    assert "photos/images/" in given.layout


@pytest.mark.parametrize("inner", ["seg_train", "images", ""])
def test_a_folder_repeated_inside_a_split_is_passed(photos, inner):
    counts = {f"train/{inner}/cat": 2, f"train/{inner}/dog": 2, "test/cat": 2}
    given = open_source(spec(photos(counts)))
    assert list(given.classes) == ["cat", "dog"]


def test_splits_below_every_class_are_splits(photos):
    counts = {f"{name}/{part}": 2 for name in ("cat", "dog") for part in ("train", "test")}
    given = open_source(spec(photos(counts)))
    assert list(given.classes) == ["cat", "dog"]
    assert {item.split for item in given.items} == {"train", "test"}
    assert "in each class" in given.layout


def test_splits_below_some_classes_are_refused(photos):
    with pytest.raises(DataError, match=r"in some class folders only.*layout=classes"):
        open_source(spec(photos({"cat/train": 2, "cat/test": 2, "dog": 2})))


# ---- images that are not used


def test_images_beside_class_folders_are_counted_and_named(photos, facts, encoded):
    root = photos({"cat": 4, "dog": 4})
    for number in range(4):
        (root / f"loose{number}.jpg").write_bytes(encoded(500 + number))
    found = facts(root)
    assert found.images == 8
    assert any("4 images not used, beside the class folders" in note for note in found.warnings)
    assert any("loose0.jpg, loose1.jpg, loose2.jpg, ..." in note for note in found.warnings)


def test_images_beside_the_classes_of_a_split_and_test_images_without_labels_are_counted(photos, facts):
    found = facts(photos({**split(("train", "val")), "train": 2, "test": 5}))
    assert any(
        note.startswith("2 images not used, beside the class folders of train/") for note in found.warnings
    )
    assert any(note.startswith("5 images not used, as test/ has no class folders") for note in found.warnings)


def test_folders_whose_name_says_that_nobody_knows_the_labels_are_left_out(photos, facts):
    found = facts(photos({**split(("seg_train", "seg_test")), "seg_pred/seg_pred": 5}))
    assert found.classes == ("cat", "dog")
    assert any(note.startswith("5 images not used, as seg_pred/ is no split") for note in found.warnings)


def test_a_note_about_unused_images_does_not_grow_old(photos, facts, encoded):
    root = photos({"cat": 4, "dog": 4})
    facts(root)
    (root / "late.jpg").write_bytes(encoded(77))
    assert any("1 image not used" in note for note in facts(root).warnings)


def test_images_without_any_class_folder_say_where_they_should_lie(photos):
    with pytest.raises(DataError, match=r"holds 3 images but no class folder.*/cat/1\.jpg"):
        open_source(spec(photos({".": 3})))


# ---- what a stranger's folder may hold


def test_a_pipe_a_device_and_a_huge_sparse_file_are_named_and_not_read(photos, facts):
    root = photos({"cat": 4, "dog": 4})
    os.mkfifo(root / "cat" / "pipe.jpg")
    (root / "dog" / "zero.jpg").symlink_to("/dev/zero")
    with (root / "dog" / "sparse.jpg").open("wb") as file:
        file.truncate(200 * 10**9)
    found = facts(root, links="anywhere")
    assert {bad.key: bad.reason for bad in found.bad} == {
        "cat/pipe.jpg": "is no regular file but a pipe, a device or a folder",
        "dog/sparse.jpg": "has 200,000 MB, the limit is 268 MB",
        "dog/zero.jpg": "is no regular file but a pipe, a device or a folder",
    }


def test_links_out_of_the_folder_are_followed_only_where_that_is_said(photos, facts, tmp_path):
    outside = photos({"elsewhere": 3}, tmp_path / "other")
    root = photos({"cat": 4, "dog": 4})
    (root / "cat" / "all").symlink_to("/")
    (root / "dog" / "more").symlink_to(outside / "elsewhere")
    (root / "dog" / "copy.jpg").symlink_to(root / "dog" / "0.jpg")
    found = facts(root)
    assert found.images == 9
    assert any("2 links lead out of the folder" in note and "cat/all" in note for note in found.warnings)
    (root / "cat" / "all").unlink()
    assert facts(root, links="anywhere").images == 12


# ---- classes that cannot be learnt


def test_classes_that_training_and_validation_do_not_share_are_refused_with_the_near_match(photos, facts):
    root = photos({"train/Cat": 3, "train/dog": 3, "val/cat": 3, "val/dog ": 3})
    with pytest.raises(DataError, match=r"share no class; 'Cat' and 'cat' .*; 'dog' and 'dog '"):
        facts(root)


def test_a_class_without_a_training_image_is_named_with_its_look_alike(photos, facts):
    found = facts(photos({"train/Cat": 3, "train/dog": 3, "val/cat": 3, "val/dog": 3}))
    assert any("cannot be learnt: 'cat'" in note for note in found.warnings)
    assert any("'Cat' and 'cat' are different classes" in note for note in found.warnings)
