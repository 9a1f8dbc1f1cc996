"""Which pictures count as near-copies, what is not compared, and on which side of a split they lie."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sweeper.config.sections import DatasetSpec, SplitSpec
from sweeper.data.dataset import decisive, describe, find_near_copies, open_dataset
from sweeper.data.likeness import alike, likeness
from sweeper.errors import DataError


def scene(seed: int, size=(120, 90)) -> Image.Image:
    """A picture with large and small shapes, as photos have: smooth noise at three scales."""
    noise = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(noise.integers(0, 256, (side, side, 3), dtype=np.uint8)).resize(
                size, Image.Resampling.BICUBIC
            ),
            dtype=float,
        )
        for side in (4, 9, 20)
    ]
    return Image.fromarray(((4 * layers[0] + 2 * layers[1] + layers[2]) / 7).astype(np.uint8))


def in_bars(image: Image.Image, color="gray") -> Image.Image:
    framed = Image.new("RGB", (image.width, image.height * 2), color)
    framed.paste(image, (0, image.height // 2))
    return framed


CHANGES = {
    "larger": lambda image: image.resize((301, 227)),
    "smaller": lambda image: image.resize((60, 45)),
    "brighter": lambda image: image.point(lambda value: min(255, int(value * 1.2))),
    "cut at the edge": lambda image: image.crop((4, 3, 116, 87)),
    "in bars": in_bars,
    "in bars in bars": lambda image: in_bars(in_bars(image), "black"),
    "gray": lambda image: image.convert("L"),
}


@pytest.fixture
def folder(tmp_path):
    """`folder({"a/1.png": image, ...})`: the images as files, and the data set that they make."""

    def make(images, **split) -> DatasetSpec:
        for name, image in images.items():
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path, **({"quality": 90} if path.suffix == ".jpg" else {}))
        return DatasetSpec.model_validate(
            {"source": "image_folder", "root": str(tmp_path / "photos"), "split": split}
        )

    return make


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


def keys(pairs):
    return sorted(pair.keys for pair in pairs)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_that_was_saved_anew_is_a_near_copy_and_no_other_is(folder, cache, change, suffix):
    scenes = {f"{'ab'[seed % 2]}/{seed}.png": scene(seed) for seed in range(12)}
    spec = folder({**scenes, f"b/changed{suffix}": CHANGES[change](scene(4))})
    found, pairs = find_near_copies(spec, cache)
    assert keys(pairs) == [("a/4.png", f"b/changed{suffix}")]
    assert pairs[0].classes == ("a", "b")
    assert found.compared == 13


def test_bars_alone_do_not_make_pictures_alike(folder, cache):
    spec = folder({f"{'ab'[seed % 2]}/{seed}.png": in_bars(scene(seed)) for seed in range(16)})
    assert find_near_copies(spec, cache)[1] == []


def test_pictures_of_one_color_and_tiny_ones_are_counted_and_not_compared(folder, cache):
    flat = {f"a/flat{shade}.png": Image.new("RGB", (40, 40), (shade, 90, 90)) for shade in range(0, 250, 25)}
    tiny = {f"b/tiny{seed}.png": scene(seed, (8, 8)) for seed in range(10)}
    spec = folder({**flat, **tiny, "a/dot.png": Image.new("RGB", (1, 1)), "b/scene.png": scene(1)})
    found, pairs = find_near_copies(spec, cache)
    assert (found.flat, found.small, found.compared) == (10, 11, 1)
    assert pairs == []


def test_exact_copies_are_no_near_copies(folder, cache):
    spec = folder({"a/1.png": scene(1), "a/2.png": scene(1), "b/3.png": scene(3)})
    assert find_near_copies(spec, cache)[1] == []


def bursts(count, shots):
    """So many scenes, each photographed some times from nearly the same place."""
    return {
        f"{'ab'[seed % 2]}/{seed}-{shot}.png": scene(seed).crop((shot, shot, 112 + shot, 84 + shot))
        for seed in range(count)
        for shot in range(shots)
    }


@pytest.mark.slow(reason="sixty pictures, decoded for three questions")
def test_near_copies_stay_on_one_side_where_that_is_asked_for(folder, cache):
    images = bursts(20, 3)
    apart, together = (folder(images, near_copies=each) for each in ("apart", "together"))
    found, pairs = find_near_copies(apart, cache)
    assert len({found.groups[picture] for picture in found.groups}) == 20
    assert sum(pair.straddles for pair in pairs) > 5
    assert not any(pair.straddles for pair in find_near_copies(together, cache)[1])
    data = open_dataset(together, pixels=8, cache=cache)
    assert [data.size(split) for split in ("train", "valid", "test")] == list(
        describe(together, cache).per_split.values()
    )
    assert describe(together, cache).per_split["valid"] > 0


def test_training_near_copies_of_a_sources_own_test_images_are_left_out(folder, cache):
    images = {f"train/{name}": image for name, image in bursts(8, 1).items()}
    images |= {f"test/{name}": image.resize((200, 150)) for name, image in list(bursts(8, 1).items())[:4]}
    facts = describe(folder(images, near_copies="together"), cache)
    assert [note for note in facts.warnings if note.startswith("4 images equal or nearly equal one of")]
    assert facts.per_split["test"] == 4


def test_a_sweep_that_does_not_ask_keeps_its_split_and_its_digest(folder, cache):
    spec = folder(bursts(6, 2))
    assert "near_copies" not in decisive(spec.split)
    before = open_dataset(spec, pixels=8, cache=cache).digest
    find_near_copies(spec, cache)
    assert open_dataset(spec, pixels=8, cache=cache).digest == before
    asked = folder({}, near_copies="together")
    assert open_dataset(asked, pixels=8, cache=cache).digest != before
    assert decisive(SplitSpec(near_copies="together"))["near_copies"] == "together"


def test_pictures_are_decoded_once_and_their_pairs_kept(folder, cache):
    spec = folder(bursts(4, 2))
    found, pairs = find_near_copies(spec, cache)
    (kept,) = (cache / "near_copies").iterdir()
    assert len(json.loads(kept.read_text())["pairs"]) == len(pairs) == 4
    changed = {**json.loads(kept.read_text()), "pairs": []}
    kept.write_text(json.dumps(changed))
    assert find_near_copies(spec, cache)[1] == []
    kept.write_text("{")
    assert find_near_copies(spec, cache)[0] == found


@pytest.mark.slow(reason="sixty pictures, looked at in pairs")
def test_where_all_look_alike_nothing_is_told_and_together_is_refused(folder, cache):
    images = {
        f"{'ab'[shot % 2]}/{shot}.png": scene(1).crop((0, 0, 119 - shot // 8, 90 - shot % 8))
        for shot in range(60)
    }
    found, pairs = find_near_copies(folder(images), cache)
    assert pairs == []
    assert "all look alike" in found.unknown
    with pytest.raises(DataError, match=r"near_copies: near-copies cannot be kept together: .*; write apart"):
        describe(folder({}, near_copies="together"), cache)


def test_one_group_of_more_than_a_tenth_is_refused_with_its_size(folder, cache):
    images = {
        **bursts(20, 1),
        **{f"a/burst{shot}.png": scene(99).crop((shot, 0, 110 + shot, 90)) for shot in range(11)},
    }
    with pytest.raises(DataError, match="11 of 31 pictures are near-copies of each other"):
        describe(folder(images, near_copies="together"), cache)


def test_a_search_over_tiles_finds_what_a_search_over_all_pairs_does():
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**63, 1300).astype(np.uint64)
    bits[[700, 1299]] = bits[[3, 600]] ^ np.uint64(0b1011)
    levels = random.integers(0, 256, (1300, 256)).astype(np.uint8)
    levels[[700, 1299]] = levels[[3, 600]]
    assert sorted(alike(bits, levels, 10) or []) == [(3, 700), (600, 1299)]
    assert alike(bits, levels, 1) is None


def test_noise_on_one_color_is_no_picture():
    noise = np.random.default_rng(0).normal(128, 3, (128, 128, 3)).clip(0, 255).astype(np.uint8)
    assert likeness(noise) is None


@pytest.mark.slow(reason="real photographs")
def test_photos_of_groceries_have_near_copies_of_one_class_each(real_data, cache):
    root = real_data("freiburg25")
    spec = DatasetSpec.model_validate({"source": "uecfood", "root": str(root)})
    found, pairs = find_near_copies(spec, cache)
    assert found.compared == 3955
    assert 8 <= len(pairs) <= 16
    assert all(len(set(pair.classes)) == 1 for pair in pairs)
