import os

import numpy as np
import pytest
import torch
from PIL import Image

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import describe, open_dataset, open_source
from sweeper.data.index import open_index
from sweeper.data.prepare import prepare
from sweeper.errors import DataError


def spec(root, source="image_folder", **options):
    return DatasetSpec.model_validate({"source": source, "root": str(root), **options})


def opened(root, tmp_path, **options):
    return open_dataset(spec(root, **options), pixels=8, cache=tmp_path / "cache")


def test_an_empty_folder(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match="no class folder with images"):
        opened(tmp_path / "photos", tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        opened(tmp_path / "photos", tmp_path)


def test_one_class(tmp_path, photos):
    with pytest.raises(DataError, match="at least two classes"):
        opened(photos({"only": 9}), tmp_path)


def test_a_class_with_one_image_is_trained_on_and_named(tmp_path, photos):
    data = opened(photos({"many": 20, "lonely": 1}), tmp_path)
    assert 1 in data.labels("train")
    assert any("'lonely'" in note for note in data.notes)


def test_a_class_folder_without_images_is_left_out_and_named(tmp_path, photos):
    root = photos({"a": 5, "b": 5})
    (root / "nothing").mkdir()
    data = opened(root, tmp_path)
    assert data.classes == ("a", "b")
    assert any("'nothing'" in note for note in data.notes)


UNREADABLE = {
    "zero bytes": (b"", "empty"),
    "text named .jpg": (b"not a photo", "not an image"),
    "truncated": (None, "cannot be decoded"),
}


@pytest.mark.parametrize(("content", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_file_is_skipped_and_listed(tmp_path, photos, encoded, content, reason):
    root = photos({"a": 60, "b": 60})
    (root / "a" / "bad.jpg").write_bytes(encoded(size=(300, 300))[:900] if content is None else content)
    data = opened(root, tmp_path)
    assert [(bad.key, reason in bad.reason) for bad in data.bad] == [("a/bad.jpg", True)]
    assert sum(data.size(split) for split in ("train", "valid", "test")) == 120


def test_too_many_unreadable_files_fail_the_import_with_the_first_reason(tmp_path, photos):
    root = photos({"a": 20, "b": 20})
    (root / "a" / "bad.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 of 41 .*a/bad.jpg: the file is empty"):
        opened(root, tmp_path)
    assert opened(root, tmp_path, max_bad=0.1).size("train") == 28
    with pytest.raises(DataError, match="1 of 41"):  # the store is there now, and still refused
        opened(root, tmp_path)


def test_a_png_named_jpg_is_an_image(tmp_path, photos, encoded):
    root = photos({"a": 5, "b": 5})
    (root / "a" / "png.jpg").write_bytes(encoded(77, "PNG"))
    assert opened(root, tmp_path).bad == ()


def test_links_in_a_circle_end(tmp_path, photos):
    root = photos({"a": 5, "b": 5})
    (root / "a" / "back").symlink_to(root, target_is_directory=True)
    (root / "b" / "self.jpg").symlink_to(root / "b" / "self.jpg")
    facts = describe(spec(root), tmp_path / "cache")
    assert [bad.key for bad in facts.bad] == ["b/self.jpg"]
    assert facts.images == 10


def test_a_file_that_may_not_be_read_is_listed_with_the_systems_reason(tmp_path, photos):
    given = open_source(spec(photos({"a": 5, "b": 5})))
    read = given.read

    def forbidden(index):
        if index == 3:
            raise PermissionError(13, "Permission denied")
        return read(index)

    given.read = forbidden  # root may read everything, so that a real file proves nothing there
    assert [(bad.key, bad.reason) for bad in open_index(given, tmp_path).bad] == [
        ("a/3.jpg", "Permission denied")
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_skipped_and_listed(tmp_path, photos):
    root = photos({"a": 5, "b": 5})
    (root / "a" / "0.jpg").chmod(0)
    assert opened(root, tmp_path, max_bad=0.2).bad[0].reason == "Permission denied"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(tmp_path, photos):
    root = photos({"a": 5, "b": 5})
    (root / "a").chmod(0)
    try:
        with pytest.raises(DataError, match="a: cannot be listed: Permission denied"):
            opened(root, tmp_path)
    finally:
        (root / "a").chmod(0o755)


def test_names_that_are_not_utf8_are_shown_escaped(tmp_path, photos, encoded):
    root = photos({"a": 5, "b": 5})
    name = os.fsencode(root / "a") + b"/caf\xe9.jpg"
    with open(name, "wb") as file:
        file.write(encoded(99))
    os.mkdir(os.fsencode(root) + b"/caf\xe9")
    with open(os.fsencode(root) + b"/caf\xe9/1.jpg", "wb") as file:
        file.write(encoded(98))
    data = opened(root, tmp_path)
    assert data.classes == ("a", "b", "caf\\xe9")


def test_names_with_markup_quotes_and_newlines_are_kept(tmp_path, photos):
    names = ("<script>alert(1)<", 'it\'s "quoted"', "two\nlines")
    data = opened(photos(dict.fromkeys(names, 4)), tmp_path)
    assert set(data.classes) == set(names)


def test_a_tar_where_a_folder_was_expected(tmp_path):
    (tmp_path / "photos.tar").write_bytes(b"")
    with pytest.raises(DataError, match="sweeper data fetch"):
        opened(tmp_path / "photos.tar", tmp_path)


def test_a_picture_saved_twice_stands_on_one_side_of_the_split_in_whatever_format(tmp_path):
    root = tmp_path / "photos"
    for label, name in enumerate("ab"):
        (root / name).mkdir(parents=True)
        for number in range(15):
            noise = np.random.default_rng([label, number]).integers(0, 256, (20, 20, 3), dtype=np.uint8)
            image = Image.fromarray(noise)
            image.save(root / name / f"{number}.png", compress_level=9)
            image.save(root / name / f"{number}-again.png", compress_level=1)
            image.save(root / name / f"{number}-more.bmp")
    facts = describe(spec(root), tmp_path / "cache")
    assert facts.copies == 60
    assert any("60 images are copies of others, pixel for pixel" in note for note in facts.warnings)
    data = opened(root, tmp_path)
    seen = {split: {bytes(row) for row in pictures(data, split)} for split in ("train", "valid", "test")}
    assert min(map(len, seen.values())) > 0
    assert not seen["train"] & seen["valid"]
    assert not seen["train"] & seen["test"]
    assert not seen["valid"] & seen["test"]


def pictures(data, split):
    for images, _ in data.batches(split, batch_size=8):
        yield from (images * 255).round().to(torch.uint8).numpy()


def test_a_photo_whose_metadata_was_changed_is_a_copy(tmp_path, photos):
    root = photos({"a": 5, "b": 5})
    raw = (root / "a" / "0.jpg").read_bytes()
    (root / "b" / "captioned.jpg").write_bytes(raw[:2] + b"\xff\xfe\0\x09caption" + raw[2:])
    assert describe(spec(root), tmp_path / "cache").copies == 1


def test_the_pixels_are_decoded_once_and_then_known_from_the_cache(tmp_path, photos):
    root = photos({"a": 5, "b": 5})
    given = open_source(spec(root))
    known = open_index(given, tmp_path / "cache")

    def unread(index):
        raise AssertionError(f"image {index} was read again")

    given.read = unread
    assert open_index(given, tmp_path / "cache") == known
    assert all(row.pixels for row in known.rows)


def deep(folder, top, count=6, dtype=np.uint16):
    folder.mkdir(parents=True)
    for number in range(count):
        ramp = np.linspace(0, top, 64).astype(dtype).reshape(8, 8)
        Image.fromarray(np.roll(ramp, number, axis=0)).save(folder / f"{number}.tiff")


DEEP = {
    "12 bits": (4095, np.uint16),
    "16 bits": (65535, np.uint16),
    "32-bit whole numbers": (100_000, np.int32),
    "fractions of one": (1.0, np.float32),
    "fractions up to a thousand": (1000.0, np.float32),
}


@pytest.mark.parametrize(("top", "dtype"), DEEP.values(), ids=DEEP)
def test_values_of_more_than_8_bits_are_scaled_by_what_is_there_and_that_is_said(tmp_path, top, dtype):
    for name, share in (("a", 1.0), ("b", 0.5)):
        deep(tmp_path / "photos" / name, top * share, dtype=dtype)
    root = tmp_path / "photos"
    found = [note for note in describe(spec(root), tmp_path / "cache").warnings if "more than 8 bits" in note]
    assert [note.startswith("12 of 12 images") for note in found] == [True]
    (store,) = prepare(open_source(spec(root, channels=1)), [8], tmp_path / "cache")
    brightest = [int(store.images[store.labels == label].max()) for label in (0, 1)]
    assert brightest[0] >= 190
    assert brightest[1] == pytest.approx(brightest[0] / 2, abs=2)  # one scale for all images
    assert len(store.images.unique()) > 60


def test_images_of_8_bits_say_nothing_of_their_range(tmp_path, photos):
    assert not [n for n in describe(spec(photos({"a": 5, "b": 5})), tmp_path).warnings if "bits" in n]


def test_a_folder_that_changes_while_it_is_read(tmp_path, photos, encoded):
    root = photos({"a": 5, "b": 5})
    given = open_source(spec(root))
    open_index(given, tmp_path / "cache")
    (root / "a" / "0.jpg").write_bytes(encoded(4242))
    with pytest.raises(DataError, match=r"a/0.jpg: changed while"):
        prepare(given, [8], tmp_path / "cache")


def test_a_file_that_vanishes_while_the_folder_is_read(tmp_path, photos):
    root = photos({"a": 5, "b": 5})
    given = open_source(spec(root))
    open_index(given, tmp_path / "cache")
    (root / "a" / "0.jpg").unlink()
    with pytest.raises(DataError, match=r"a/0.jpg: vanished"):
        prepare(given, [8], tmp_path / "cache")


def test_a_folder_that_changed_since_gets_another_store(tmp_path, photos, encoded):
    root = photos({"a": 5, "b": 5})
    before = opened(root, tmp_path).digest
    (root / "a" / "new.jpg").write_bytes(encoded(4242))
    after = opened(root, tmp_path)
    assert after.digest != before
    assert sum(after.size(split) for split in ("train", "valid", "test")) == 11


def test_a_misspelt_option_is_refused_with_the_nearest_name(tmp_path, photos):
    with pytest.raises(ValueError, match="did you mean 'max_bad'"):
        opened(photos({"a": 3, "b": 3}), tmp_path, max_bat=0.1)


def test_a_folder_source_without_root_says_what_to_set(tmp_path):
    with pytest.raises(DataError, match=r"set dataset\.root"):
        open_dataset(DatasetSpec(source="image_folder"), pixels=8, cache=tmp_path)
