import gzip
import os
import pickle
import struct
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn
from sklearn.datasets import load_digits

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import describe, open_dataset, open_source
from sweeper.data.sources.cifar import unpickle
from sweeper.data.sources.idx import read_idx
from sweeper.errors import DataError


def spec(source, root=None, **options):
    where = {} if root is None else {"root": str(root)}
    return DatasetSpec.model_validate({"source": source, **where, **options})


def opened(source, root=None, **options):
    return open_source(spec(source, root, **options))


# ---- uecfood


@pytest.fixture
def food(tmp_path, encoded):
    """Folders 1, 2 and 10; 7 is named and empty. Boxes as the data set has them, with its flaws."""
    root = tmp_path / "FOOD"
    for label, folder in enumerate(("1", "2", "10")):
        (root / folder).mkdir(parents=True)
        for number in range(6):
            (root / folder / f"{100 * label + number}.jpg").write_bytes(encoded(100 * label + number))
    (root / "7").mkdir()
    lines = ["id\tname", "1\trice", "2\tomelet", "7\tghost", "10\tomelet", "2\tsecond name for 2"]
    (root / "category.txt").write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode("utf-8"))
    boxes = ["img x1 y1 x2 y2", "0 2 2 20 18", "0 1 1 4 4", "1 5 5 5 9", "2 3 3 9", "3 10 10 500 500"]
    (root / "1" / "bb_info.txt").write_text("\r\n".join(boxes))
    return root


def test_numbered_folders_sort_as_numbers_and_carry_their_names(food):
    given = opened("uecfood", food)
    assert list(given.classes) == ["rice", "omelet (2)", "omelet (10)"]
    assert [item.label for item in given.items] == [0] * 6 + [1] * 6 + [2] * 6


def test_what_is_odd_about_the_data_is_reported(food):
    notes = " ".join(opened("uecfood", food, crop="boxes").notes)
    assert "classes without images are left out: 7 'ghost'" in notes
    assert "ids stand twice in category.txt, the first name counts: 2" in notes
    assert "1/bb_info.txt:5" in notes
    assert "boxes are empty and are skipped: 1/bb_info.txt:4" in notes
    assert "images have no box and are used whole" in notes


def test_every_box_is_an_image_or_only_the_largest(food):
    every = [item for item in opened("uecfood", food, crop="boxes").items if item.key.startswith("1/0.")]
    assert [(item.key, item.box) for item in every] == [
        ("1/0.jpg#1", (2, 2, 20, 18)),
        ("1/0.jpg#2", (1, 1, 4, 4)),
    ]
    largest = opened("uecfood", food, crop="largest_box").items
    assert [item.box for item in largest[:4]] == [(2, 2, 20, 18), None, None, (10, 10, 500, 500)]
    assert {item.box for item in opened("uecfood", food).items} == {None}


def test_crops_are_other_stores_and_their_photo_stays_on_one_side(food, tmp_path):
    (food / "1" / "bb_info.txt").write_text(
        "img x1 y1 x2 y2\n" + "\n".join(f"0 {n} 0 20 18" for n in range(9))
    )
    data = open_dataset(spec("uecfood", food, crop="boxes"), pixels=8, cache=tmp_path)
    assert sum(data.size(split) for split in ("train", "valid", "test")) == 26
    facts = describe(spec("uecfood", food, crop="boxes"), tmp_path)
    assert facts.copies == 0
    assert facts.digest != describe(spec("uecfood", food), tmp_path).digest


def test_a_missing_data_set_says_where_its_owner_publishes_it(tmp_path):
    with pytest.raises(DataError, match="foodcam"):
        opened("uecfood", tmp_path / "nowhere")


def test_a_folder_above_the_right_one_is_recognised(food):
    with pytest.raises(DataError, match=r"did you mean .*FOOD"):
        opened("uecfood", food.parent)


def test_without_category_file_the_numbers_are_the_names(food):
    (food / "category.txt").unlink()
    assert list(opened("uecfood", food).classes) == ["1", "2", "10"]


def test_the_real_uecfood_photos_have_their_known_oddities(real_data, tmp_path):
    facts = describe(spec("uecfood", real_data("UECFOOD256")), tmp_path)
    assert facts.images == 255
    assert facts.classes[:2] == ("rice", "eels on rice")
    assert facts.copies == 3
    assert any("40 'omelet'" in warning for warning in facts.warnings)
    assert any("more than one class" in warning for warning in facts.warnings)


@pytest.mark.slow(reason="decodes real photos")
def test_the_real_freiburg_photos_split_by_class_with_copies_together(real_data, tmp_path):
    facts = describe(spec("uecfood", real_data("freiburg25"), crop="boxes"), tmp_path)
    assert (facts.images, len(facts.classes), facts.copies) == (9461, 25, 5)
    assert any("9/bb_info.txt" in warning for warning in facts.warnings)
    for label in range(25):
        share = facts.per_class_and_split["train"][label] / facts.per_class[label]
        assert share == pytest.approx(0.7, abs=0.05)


def test_real_photos_train_ready_at_two_sizes(real_data, tmp_path):
    root = tmp_path / "few"
    for folder in ("1", "2"):
        (root / folder).mkdir(parents=True)
        for photo in sorted((real_data("freiburg25") / folder).glob("*.jpg"))[:20]:
            (root / folder / photo.name).write_bytes(photo.read_bytes())
    for pixels in (32, 64):
        data = open_dataset(spec("uecfood", root), pixels=pixels, normalization="standardize", cache=tmp_path)
        images, _ = next(data.batches("train", batch_size=28))
        assert images.shape == (28, 3, pixels, pixels)
        assert abs(images.mean()) < 0.05


# ---- image_folder


def test_split_folders_are_understood(photos, tmp_path):
    root = photos({"train/a": 6, "train/b": 6, "val/a": 3, "val/b": 3, "test/a": 2, "test/b": 2})
    data = open_dataset(spec("image_folder", root), pixels=8, cache=tmp_path)
    assert data.classes == ("a", "b")
    assert [data.size(split) for split in ("train", "valid", "test")] == [12, 6, 4]


def test_classes_sort_as_numbers_where_they_are(photos):
    assert list(opened("image_folder", photos({"10": 1, "9": 1, "1": 1})).classes) == ["1", "9", "10"]


def test_files_that_never_are_images_are_passed_over(photos):
    root = photos({"a": 2, "b": 2})
    (root / "a" / "notes.txt").write_text("hello")
    (root / "a" / ".DS_Store").write_bytes(b"\0")
    assert len(opened("image_folder", root).items) == 4


def test_folders_below_a_class_belong_to_it(photos):
    given = opened("image_folder", photos({"a/deep/er": 2, "b": 2}))
    assert list(given.classes) == ["a", "b"]
    assert len(given.items) == 4


# ---- cifar


def write_cifar10(root, rows=20):
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    drawn = np.random.default_rng(0)
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        data = drawn.integers(0, 256, (rows, 3072), dtype=np.uint8)
        held = {b"labels": [number % 2 for number in range(rows)], b"data": data, b"batch_label": b"x"}
        (folder / name).write_bytes(pickle.dumps(held, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["cat", "dog"]}, protocol=2))
    return folder


def test_cifar_planes_become_pixels_and_the_test_batch_the_test_split(tmp_path):
    folder = write_cifar10(tmp_path)
    data = open_dataset(spec("cifar10", tmp_path), pixels=32, cache=tmp_path)
    assert data.classes == ("cat", "dog")
    assert data.size("test") == 20
    first = np.asarray(pickle.loads((folder / "test_batch").read_bytes())[b"data"])[0]  # noqa: S301
    image = next(data.batches("test", batch_size=1))[0][0]
    assert np.allclose(image.numpy() * 255, first.reshape(3, 32, 32), atol=1e-3)


class Evil:
    def __reduce__(self):
        return print, ("code was run",)


@pytest.mark.parametrize(
    "payload",
    [pickle.dumps(Evil()), pickle.dumps({"data": Evil()}, protocol=2), b"", b"junk", pickle.dumps([1, 2])],
    ids=["code", "code inside", "empty", "junk", "no dictionary"],
)
def test_a_pickle_that_is_no_batch_is_refused_and_runs_nothing(tmp_path, capsys, payload):
    (tmp_path / "batch").write_bytes(payload)
    with pytest.raises(DataError, match="not a CIFAR batch"):
        unpickle(tmp_path / "batch")
    assert capsys.readouterr().out == ""


MEMORY = {
    "a place of its memo that is far away": b"\x80\x02}r\xff\xff\xff\x7f.",
    "an array of any size": b"\x80\x02cnumpy\nndarray\nM\xff\xffM\xff\xff\x86\x85R.",
    "bytes that are not there": b"\x80\x05\x96\0\0\0\0\x10\0\0\0.",
}


@pytest.mark.parametrize("payload", MEMORY.values(), ids=MEMORY)
def test_a_pickle_that_asks_for_more_memory_than_it_has_bytes_is_refused(tmp_path, payload):
    (tmp_path / "batch").write_bytes(payload)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="not a CIFAR batch"):
            unpickle(tmp_path / "batch")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_missing_or_short_batch_is_named(tmp_path):
    folder = write_cifar10(tmp_path)
    held = {"labels": [0], "data": np.zeros((2, 3072), np.uint8)}
    (folder / "data_batch_1").write_bytes(pickle.dumps(held, protocol=2))
    with pytest.raises(DataError, match="data_batch_1"):
        open_dataset(spec("cifar10", tmp_path), pixels=8, cache=tmp_path)
    (folder / "test_batch").unlink()
    with pytest.raises(DataError, match="missing"):
        opened("cifar10", tmp_path)


@pytest.mark.parametrize(("labels", "classes"), [("fine", 4), ("coarse", 2)])
def test_cifar100_has_fine_and_coarse_labels(tmp_path, labels, classes):
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for name in ("train", "test"):
        held = {
            "data": np.random.default_rng(len(name)).integers(0, 256, (40, 3072), dtype=np.uint8),
            "fine_labels": [number % 4 for number in range(40)],
            "coarse_labels": [number % 2 for number in range(40)],
        }
        (folder / name).write_bytes(pickle.dumps(held, protocol=2))
    names = {"fine_label_names": list("abcd"), "coarse_label_names": list("xy")}
    (folder / "meta").write_bytes(pickle.dumps(names, protocol=2))
    assert len(describe(spec("cifar100", tmp_path, labels=labels), tmp_path / "cache").classes) == classes


def test_the_real_cifar_subset_has_its_own_batch_sizes(real_data, tmp_path):
    facts = describe(spec("cifar10", real_data("cifar-10-batches-py")), tmp_path)
    assert facts.per_class == (1200,) * 10
    assert facts.per_split["test"] == 2000
    assert facts.classes[0] == "airplane"


# ---- mnist


def idx(array):
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(root, packed):
    for stem, count in (("train", 40), ("t10k", 10)):
        images = np.random.default_rng(count).integers(0, 256, (count, 28, 28))
        for kind, array in (("images-idx3", images), ("labels-idx1", np.arange(count) % 10)):
            name = f"{stem}-{kind}-ubyte"
            if packed:
                (root / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
            else:
                (root / name).write_bytes(idx(array))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_are_read_packed_or_not(tmp_path, packed, name):
    write_mnist(tmp_path, packed)
    data = open_dataset(spec(name, tmp_path), pixels=28, cache=tmp_path / "cache")
    assert data.shape == (1, 28, 28)
    assert data.size("test") == 10


IDX = {
    "truncated": idx(np.zeros((4, 2, 2)))[:-3],
    "not idx": b"\x89PNG and so on",
    "empty": b"",
    "other dimensions": idx(np.zeros(4)),
    "damaged gz": b"\x1f\x8b" + b"\0" * 20,
}


@pytest.mark.parametrize("raw", IDX.values(), ids=IDX)
def test_a_damaged_idx_file_is_named(tmp_path, raw):
    (tmp_path / "images").write_bytes(raw)
    with pytest.raises(DataError, match="images"):
        read_idx(tmp_path / "images", 3)


def test_a_packed_idx_file_is_unpacked_no_further_than_its_header_says(tmp_path):
    (tmp_path / "images").write_bytes(gzip.compress(idx(np.zeros((4, 2, 2))) + bytes(50_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"says \(4, 2, 2\) and holds more"):
            read_idx(tmp_path / "images", 3)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_an_idx_header_that_announces_too_much_is_refused(tmp_path):
    (tmp_path / "images").write_bytes(struct.pack(">BBBBIII", 0, 0, 8, 3, 60_000, 10_000, 10_000))
    with pytest.raises(DataError, match=r"more than 1\.1 GB"):
        read_idx(tmp_path / "images", 3)


@pytest.mark.parametrize("read", [unpickle, lambda path: read_idx(path, 3)], ids=["cifar", "idx"])
def test_a_sparse_file_and_a_pipe_are_not_read(tmp_path, read):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(200 * 10**9)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="200,000 MB"):
        read(tmp_path / "sparse")
    with pytest.raises(DataError, match="no regular file"):
        read(tmp_path / "pipe")


def test_missing_idx_files_come_with_the_command_that_fetches_them(tmp_path):
    with pytest.raises(DataError, match="sweeper data fetch mnist"):
        opened("mnist", tmp_path)


# ---- parquet


def write_parquet(path, encoded, labels, *, names=None, as_struct=True, start=0):
    images = [encoded(start + number, "PNG") for number in range(len(labels))]
    column = [{"bytes": image, "path": None} for image in images] if as_struct else images
    table = pa.table({"image": column, "label": labels})
    if names:
        features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": str(features).replace("'", '"')})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=7)


@pytest.mark.parametrize("as_struct", [True, False])
def test_parquet_as_hugging_face_writes_it(tmp_path, encoded, as_struct):
    data = tmp_path / "data"
    for place, (name, count) in enumerate((("train-00000", 30), ("test-00000", 10))):
        labels = [number % 2 for number in range(count)]
        write_parquet(
            data / f"{name}.parquet",
            encoded,
            labels,
            names=["no", "yes"],
            as_struct=as_struct,
            start=100 * place,
        )
    found = open_dataset(spec("parquet", data), pixels=8, cache=tmp_path / "cache")
    assert found.classes == ("no", "yes")
    assert found.size("test") == 10


def test_parquet_rows_come_back_as_they_were_written(tmp_path, encoded):
    write_parquet(tmp_path / "all.parquet", encoded, ["b", "a", "b"] * 8)
    given = opened("parquet", tmp_path / "all.parquet")
    assert list(given.classes) == ["a", "b"]
    assert [item.label for item in given.items[:3]] == [1, 0, 1]
    assert all(given.read(number) == encoded(number, "PNG") for number in (23, 0, 7, 15, 8))


def test_parquet_through_a_uri(tmp_path, encoded):
    write_parquet(tmp_path / "all.parquet", encoded, [0, 1] * 6)
    assert len(opened("parquet", uri=f"file://{tmp_path}").items) == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": "picture"}, "no column 'picture'"),
        ({"label": "kind"}, "no column 'kind', but image, label"),
    ],
)
def test_a_missing_column_is_named_with_those_that_are_there(tmp_path, encoded, options, message):
    write_parquet(tmp_path / "all.parquet", encoded, [0, 1])
    with pytest.raises(DataError, match=message):
        _ = opened("parquet", tmp_path, **options).items


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"x\.parquet"):
        _ = opened("parquet", tmp_path).items


def test_shards_that_number_the_same_names_differently_are_matched_by_name(tmp_path, encoded):
    write_parquet(tmp_path / "train.parquet", encoded, [0, 1] * 5, names=["cat", "dog"])
    write_parquet(tmp_path / "test.parquet", encoded, [0, 0, 1], names=["dog", "cat"], start=50)
    given = opened("parquet", tmp_path)
    assert list(given.classes) == ["dog", "cat"]
    assert [given.classes[item.label] for item in given.items if item.split == "test"] == [
        "dog",
        "dog",
        "cat",
    ]
    assert [given.classes[item.label] for item in given.items if item.split == "train"][:2] == ["cat", "dog"]
    assert "1 file of the train split, 1 file of the test split" in given.layout


def test_numbers_in_one_shard_and_names_in_another_are_refused(tmp_path, encoded):
    write_parquet(tmp_path / "train.parquet", encoded, [0, 1] * 5, names=["cat", "dog"])
    write_parquet(tmp_path / "test.parquet", encoded, [0, 1], start=50)
    with pytest.raises(DataError, match=r"test\.parquet: its labels are numbers without names"):
        _ = opened("parquet", tmp_path).items


NO_LABEL = {
    "minus one beside names": ([0, 1, -1, 0, 1, 1], ["no", "yes"], ["no", "yes"]),
    "minus one beside zero": ([0, 1, -1, 0, 1, 1], None, ["0", "1"]),
    "null": ([0, 1, None, 0, 1, 1], None, ["0", "1"]),
    "a float that is no number": ([0.0, 1.0, float("nan"), 0.0, 1.0, 1.0], None, ["0", "1"]),
    "text": (["a", "b", "None", "a", "b", "b"], None, ["a", "b"]),
    "empty text": (["a", "b", " ", "a", "b", "b"], None, ["a", "b"]),
}


@pytest.mark.parametrize(("labels", "names", "expected"), NO_LABEL.values(), ids=NO_LABEL)
def test_rows_whose_label_means_none_are_no_class_and_are_counted(tmp_path, encoded, labels, names, expected):
    write_parquet(tmp_path / "all.parquet", encoded, labels, names=names)
    given = opened("parquet", tmp_path)
    assert list(given.classes) == expected
    assert [item.label for item in given.items] == [0, 1, 0, 1, 1]
    assert given.read(2) == encoded(3, "PNG")
    assert any(note.startswith("1 of 6 images not used, as they have no label") for note in given.notes)


def test_minus_one_and_one_are_two_classes(tmp_path, encoded):
    write_parquet(tmp_path / "all.parquet", encoded, [-1, 1, -1, 1])
    assert list(opened("parquet", tmp_path).classes) == ["-1", "1"]


def test_text_labels_that_are_numbers_sort_as_numbers(tmp_path, encoded):
    write_parquet(tmp_path / "all.parquet", encoded, ["10", "9", "1", "100"])
    assert list(opened("parquet", tmp_path).classes) == ["1", "9", "10", "100"]


def test_folders_above_the_root_say_nothing_about_the_split(tmp_path, encoded):
    root = tmp_path / "test" / "validation"
    write_parquet(root / "photos.parquet", encoded, [0, 1] * 10)
    for where in (root, root / "photos.parquet"):
        assert {item.split for item in opened("parquet", where).items} == {None}
    write_parquet(root / "train" / "a.parquet", encoded, [0, 1] * 3, start=70)
    write_parquet(root / "test" / "b.parquet", encoded, [0, 1] * 3, start=90)
    assert {item.split for item in opened("parquet", root).items} == {None, "train", "test"}


def test_rows_with_a_path_and_no_bytes_are_an_error_that_says_so(tmp_path):
    table = pa.table(
        {"image": [{"bytes": None, "path": f"{n}.jpg"} for n in range(4)], "label": [0, 1, 0, 1]}
    )
    pq.write_table(table, tmp_path / "all.parquet")
    with pytest.raises(DataError, match=r"none of the 4 images can be read.*path '0\.jpg' and no bytes"):
        describe(spec("parquet", tmp_path), tmp_path / "cache")


def test_parquet_files_that_are_pipes_or_lie_outside_are_not_read(tmp_path, encoded):
    root = tmp_path / "root"
    write_parquet(tmp_path / "other.parquet", encoded, [0, 1])
    write_parquet(root / "a.parquet", encoded, [0, 1])
    (root / "out.parquet").symlink_to(tmp_path / "other.parquet")
    given = opened("parquet", root)
    assert len(given.items) == 2
    assert any("out.parquet" in note for note in given.notes)
    os.mkfifo(root / "pipe.parquet")
    with pytest.raises(DataError, match="regular file"):
        opened("parquet", root)


def test_images_that_are_null_are_listed_as_unreadable(tmp_path, encoded):
    table = pa.table({"image": [encoded(1), None, encoded(2), encoded(3)], "label": [0, 1, 0, 1]})
    pq.write_table(table, tmp_path / "x.parquet")
    assert [bad.key for bad in describe(spec("parquet", tmp_path), tmp_path / "cache").bad] == [
        "x.parquet#0000001"
    ]


def test_the_digits_are_those_of_scikit_learn():
    bunch = load_digits()
    digits = opened("digits")
    assert [item.label for item in digits.items] == bunch["target"].tolist()
    assert list(digits.classes) == [str(name) for name in bunch["target_names"]]
    assert all(
        np.array_equal(digits.read(row)[..., 0], np.rint(bunch["images"][row] * (255 / 16)))
        for row in range(len(digits.items))
    )
    assert digits.fingerprint == f"digits/{sklearn.__version__}"
