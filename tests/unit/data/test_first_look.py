"""The source that a root looks like, and refusals that say what was found, where, and what to type."""

import gzip
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import describe, open_source
from sweeper.data.fetch import fetch
from sweeper.data.first_look import first_look
from sweeper.data.usable import refuse_unusable
from sweeper.errors import DataError, SpecError


def cifar10(root):
    (root / "cifar-10-batches-py").mkdir(parents=True)
    (root / "cifar-10-batches-py" / "batches.meta").write_bytes(b"")


def cifar100(root):
    root.mkdir()
    for name in ("meta", "train", "test"):
        (root / name).write_bytes(b"")


def idx(root):
    root.mkdir()
    (root / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b""))


def parquet(root):
    (root / "data").mkdir(parents=True)
    pq.write_table(pa.table({"image": [b""], "label": [0]}), root / "data" / "train-0.parquet")


def food(root):
    (root / "FOOD" / "1").mkdir(parents=True)
    (root / "FOOD" / "category.txt").write_text("id\tname\n1\trice")


KINDS = {
    "cifar10": (cifar10, "cifar10", ""),
    "cifar100": (cifar100, "cifar100", ""),
    "idx": (idx, "mnist", ""),
    "fashion": (idx, "fashion_mnist", ""),
    "parquet": (parquet, "parquet", "data"),
    "food in a wrapper": (food, "uecfood", "FOOD"),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_source_is_guessed_from_the_names_in_the_folder(tmp_path, name):
    write, expected, below = KINDS[name]
    write(tmp_path / name)
    found = first_look(tmp_path / name)
    assert found.source == expected
    assert str(found.root).rstrip("/") in (str(tmp_path / name), str(tmp_path / name / below).rstrip("/"))


def test_photos_are_looked_into_and_told(photos):
    found = first_look(photos({"train/cat": 2, "train/dog": 2}))
    assert found.source == "image_folder"
    assert "4 images of 2 classes; train/ is the train split" in found.said[1]


def test_what_the_source_refuses_is_told_with_its_hint(photos):
    found = first_look(photos({"train": 2, "cat": 2, "dog": 2}))
    assert "cannot be used yet" in found.said[1]
    assert "dataset.layout=classes" in found.said[1]


def test_without_a_root_it_is_the_digits_and_a_named_source_is_kept(photos):
    assert first_look(None).source == "digits"
    assert first_look(photos({"a": 1, "b": 1}), "uecfood").source == "uecfood"


def test_an_absent_root_and_an_archive_are_refused_with_what_to_type(tmp_path, photos):
    photos({"a": 1})
    with pytest.raises(SpecError, match=r"no such folder; did you mean 'photos'"):
        first_look(tmp_path / "photo")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a/1.jpg", b"")
    with pytest.raises(SpecError, match=r"is an archive; unpack it with: sweeper data fetch .*photos\.zip"):
        first_look(tmp_path / "photos.zip")


def test_an_archive_with_a_wrapper_and_macos_leftovers_leads_on(tmp_path, encoded):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for number, name in enumerate(("cat", "dog")):
            archive.writestr(f"photos/{name}/1.jpg", encoded(number))
            archive.writestr(f"__MACOSX/photos/{name}/._1.jpg", b"\0\5\x16\7")
        archive.writestr("photos/.DS_Store", b"x")
    where = fetch(str(tmp_path / "photos.zip"), tmp_path / "out")
    assert where == tmp_path / "out" / "photos"
    for root in (where, tmp_path / "out"):
        assert list(open_source(spec(root)).classes) == ["cat", "dog"]


def spec(root, source="image_folder", **options):
    return DatasetSpec.model_validate({"source": source, "root": str(root), **options})


def test_one_class_is_refused_with_the_folder_and_what_to_type(photos, tmp_path):
    root = photos({"only": 3})
    facts = describe(spec(root), tmp_path / "cache")
    with pytest.raises(
        DataError, match=r"dataset\.root .*photos: .*found only class 'only'; .*-o dataset\.root"
    ):
        refuse_unusable(spec(root), facts)


def test_another_sources_folder_is_refused_with_that_sources_name(tmp_path, encoded):
    cifar10(tmp_path / "c")
    (tmp_path / "c" / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"dataset\.root .*none of the 2 images can be read.*sweeper init"):
        describe(spec(tmp_path / "c"), tmp_path / "cache")
    (tmp_path / "c" / "cifar-10-batches-py" / "photo.png").write_bytes(encoded(1, "PNG"))
    with pytest.raises(DataError, match=r"dataset\.source=cifar10"):
        refuse_unusable(spec(tmp_path / "c", max_bad=1.0), describe(spec(tmp_path / "c"), tmp_path / "cache"))
    parquet(tmp_path / "p")
    with pytest.raises(DataError, match=r"Parquet file.*dataset\.source=parquet"):
        open_source(spec(tmp_path / "p" / "data" / "train-0.parquet"))


def test_a_split_without_images_is_refused_before_anything_is_made(photos, tmp_path):
    root = photos({"a": 1, "b": 1})
    with pytest.raises(DataError, match="valid split is empty: 2 images of 2 classes are too few"):
        refuse_unusable(spec(root), describe(spec(root), tmp_path / "cache"))


def test_a_missing_root_says_which_part_of_the_path_exists(photos, tmp_path):
    photos({"a": 1})
    with pytest.raises(DataError, match=rf"no such folder; set dataset\.root; {tmp_path} holds photos/"):
        open_source(spec(tmp_path / "fotos" / "deep"))
