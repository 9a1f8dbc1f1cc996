"""What every source promises, checked on the smallest data that each can read."""

import io
import pickle
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from sweeper.data.decode import decode
from sweeper.data.sources import source

SPLITS = {None, "train", "valid", "test"}


def png(seed):
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def folders(root):
    for label in (1, 2, 10):
        (root / str(label)).mkdir()
        for number in range(3):
            (root / str(label) / f"{number}.png").write_bytes(png(10 * label + number))


def cifar10(root):
    for name in ("data_batch_1", "test_batch"):
        held = {"labels": [0, 1, 1], "data": np.arange(3 * 3072, dtype=np.uint8).reshape(3, 3072)}
        (root / name).write_bytes(pickle.dumps(held, protocol=2))
    (root / "batches.meta").write_bytes(pickle.dumps({"label_names": ["cat", "dog"]}, protocol=2))


def cifar100(root):
    for name in ("train", "test"):
        held = {"fine_labels": [0, 1], "coarse_labels": [0, 1], "data": np.zeros((2, 3072), np.uint8)}
        (root / name).write_bytes(pickle.dumps(held, protocol=2))
    names = {"fine_label_names": ["a", "b"], "coarse_label_names": ["x", "y"]}
    (root / "meta").write_bytes(pickle.dumps(names, protocol=2))


def idx(root):
    for stem in ("train", "t10k"):
        images, labels = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 5, 5), struct.pack(">BBBBI", 0, 0, 8, 1, 2)
        (root / f"{stem}-images-idx3-ubyte").write_bytes(images + bytes(range(50)))
        (root / f"{stem}-labels-idx1-ubyte").write_bytes(labels + b"\0\1")


def parquet(root):
    table = pa.table({"image": [png(number) for number in range(4)], "label": ["b", "a", "b", "a"]})
    pq.write_table(table, root / "all.parquet")


SMALLEST = {
    "cifar10": cifar10,
    "cifar100": cifar100,
    "digits": lambda root: None,
    "fashion_mnist": idx,
    "image_folder": folders,
    "mnist": idx,
    "parquet": parquet,
    "synthetic": lambda root: None,
    "uecfood": folders,
}


@pytest.fixture(params=list(source))
def given(request, tmp_path):
    """Two openings of the same data."""
    SMALLEST[request.param](tmp_path)
    return [source[request.param](tmp_path) for _ in range(2)]


def test_every_registered_source_is_checked_here():
    assert set(SMALLEST) == set(source)


def test_labels_are_numbers_of_classes(given):
    opened, _ = given
    assert len(opened.classes) >= 2
    assert {item.label for item in opened.items} <= set(range(len(opened.classes)))
    assert {item.split for item in opened.items} <= SPLITS


def test_keys_are_unique_and_printable(given):
    opened, _ = given
    keys = [item.key for item in opened.items]
    assert len(set(keys)) == len(keys)
    assert all(key.encode("utf-8") for key in keys)


def test_two_openings_agree(given):
    one, other = given
    assert one.fingerprint == other.fingerprint
    assert list(one.items) == list(other.items)
    assert list(one.classes) == list(other.classes)
    assert np.array_equal(one.read(0), other.read(0)) if not isinstance(one.read(0), bytes) else True


def test_every_image_can_be_decoded_to_the_channels_that_the_source_names(given):
    opened, _ = given
    for number in range(min(len(opened.items), 10)):
        (pixels,) = decode(opened.read(number), [6], channels=opened.channels)
        assert pixels.shape == (6, 6, opened.channels)
        assert pixels.dtype == np.uint8


def test_reading_out_of_order_gives_the_same_images(given):
    opened, other = given
    last = len(opened.items) - 1
    forward = [opened.read(0), opened.read(last)]
    backward = [other.read(last), other.read(0)][::-1]
    assert all(
        np.array_equal(a, b) if not isinstance(a, bytes) else a == b
        for a, b in zip(forward, backward, strict=True)
    )


def test_the_share_of_bad_images_is_a_share(given):
    opened, _ = given
    assert 0 <= opened.max_bad <= 1
    assert opened.channels in (1, 3)
