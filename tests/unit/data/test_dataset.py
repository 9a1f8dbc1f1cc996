from pathlib import Path

import pytest
import torch

from sweeper.config.sections import DatasetSpec
from sweeper.data.augment import augmentation
from sweeper.data.dataset import describe, open_dataset

SPLITS = ("train", "valid", "test")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def spec():
    return DatasetSpec.model_validate({"source": "synthetic", "classes": 4, "per_class": 30, "size": 16})


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_splits_of_a_data_set_hold_every_image_once(cache, spec):
    data = open_dataset(spec, pixels=12, cache=cache)
    assert [data.size(split) for split in SPLITS] == [84, 24, 12]
    assert data.shape == (3, 12, 12)
    assert len(data.classes) == 4


def test_batches_are_floats_in_channels_last_memory_with_whole_number_labels(cache, spec):
    images, labels = next(open_dataset(spec, pixels=12, cache=cache).batches("train", batch_size=10))
    assert images.shape == (10, 3, 12, 12)
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.dtype == torch.int64


def test_without_a_generator_batches_come_in_store_order(cache, spec):
    data = open_dataset(spec, pixels=12, cache=cache)
    labels = torch.cat([labels for _, labels in data.batches("valid", batch_size=7)])
    assert labels.equal(data.labels("valid"))


def test_a_generator_shuffles_and_repeats(cache, spec):
    data = open_dataset(spec, pixels=12, cache=cache)

    def epoch(seed):
        policy = augmentation["strong"]()
        return [
            images
            for images, _ in data.batches(
                "train", batch_size=8, generator=generator(seed), augmentation=policy
            )
        ]

    assert all(one.equal(other) for one, other in zip(epoch(1), epoch(1), strict=True))
    assert not epoch(1)[0].equal(epoch(2)[0])


def test_an_epoch_shows_every_training_image_once(cache, spec):
    data = open_dataset(spec, pixels=12, cache=cache)
    labels = torch.cat([y for _, y in data.batches("train", batch_size=9, generator=generator())])
    assert labels.sort().values.equal(data.labels("train").sort().values)


def test_batches_do_not_change_after_they_were_given_out(cache, spec):
    data = open_dataset(spec, pixels=12, cache=cache)
    batches = data.batches("train", batch_size=8)
    first, _ = next(batches)
    before = first.clone()
    list(batches)
    assert first.equal(before)


def test_drop_last_leaves_out_the_incomplete_batch(cache, spec):
    data = open_dataset(spec, pixels=12, cache=cache)
    sizes = [len(y) for _, y in data.batches("train", batch_size=32, drop_last=True)]
    assert sizes == [32, 32]


def test_augmentation_without_a_generator_is_refused(cache, spec):
    data = open_dataset(spec, pixels=12, cache=cache)
    with pytest.raises(ValueError, match="pass a generator"):
        data.batches("train", batch_size=8, augmentation=augmentation["basic"]())


def test_mixup_gives_labels_as_shares_that_add_up_to_one(cache, spec):
    data = open_dataset(spec, pixels=12, cache=cache)
    policy = augmentation["custom"](mixup=0.4)
    _, labels = next(data.batches("train", batch_size=16, generator=generator(), augmentation=policy))
    assert labels.shape == (16, 4)
    assert torch.allclose(labels.sum(1), torch.ones(16))


def test_the_statistics_of_the_training_split_reach_every_split(cache, spec):
    data = open_dataset(spec, pixels=12, normalization="standardize", cache=cache)
    plain = open_dataset(spec, pixels=12, cache=cache)
    train = torch.cat([x for x, _ in plain.batches("train", batch_size=50)])
    test = next(plain.batches("test", batch_size=12))[0]
    mean, deviation = train.mean((0, 2, 3), keepdim=True), train.std((0, 2, 3), keepdim=True, correction=0)
    found = next(data.batches("test", batch_size=12))[0]
    assert torch.allclose(found, (test - mean) / deviation, atol=1e-4)


@pytest.mark.parametrize(("name", "low", "high"), [("none", 0.0, 1.0), ("scale", -1.0, 1.0)])
def test_fixed_normalisations_keep_their_range(cache, spec, name, low, high):
    images, _ = next(
        open_dataset(spec, pixels=12, normalization=name, cache=cache).batches("train", batch_size=84)
    )
    assert images.min() >= low
    assert images.max() <= high
    assert images.max() - images.min() > 0.5 * (high - low)


def test_the_digest_depends_on_content_and_split_but_not_on_size(cache, spec):
    other = DatasetSpec.model_validate({**spec.model_dump(), "split": {"seed": 43}})
    small, large, split = (
        open_dataset(each, pixels=pixels, cache=cache).digest
        for each, pixels in ((spec, 12), (spec, 16), (other, 12))
    )
    assert small == large
    assert small != split


def test_digits_come_with_their_ten_classes(cache):
    facts = describe(DatasetSpec(source="digits"), cache)
    assert facts.images == 1797
    assert facts.per_split == {"train": 1259, "valid": 359, "test": 179}
    assert facts.imbalance < 1.1


def test_describing_builds_no_store(tmp_path: Path):
    describe(DatasetSpec(source="digits"), tmp_path)
    assert not (tmp_path / "stores").exists()
