"""Training that begins with small images."""

from dataclasses import replace

import pytest

from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.data.dataset import Dataset
from sweeper.errors import SpecError
from sweeper.training.progressive import check_progressive
from sweeper.training.recipe import area_share, compose, stage_of, stage_sizes
from sweeper.training.trial_workload import Training
from sweeper.trial import Trial

CONFIG = {
    "architecture": "cnn", "pixels": 16, "layers": 2, "filters": [4, 4], "head": "gap",
    "normalization": "standardize",
}  # fmt: skip
SPEC = DatasetSpec.model_validate({"source": "synthetic", "classes": 3, "per_class": 60, "size": 16})


@pytest.fixture
def training(tmp_path):
    made = Training(
        SPEC,
        TrainSpec(epochs=6, batch_size=16, progressive=0.5),
        "valid/top1",
        tmp_path / "cache",
        tmp_path / "toy" / "checkpoints",
    )
    made.leave_mark()
    return made


@pytest.fixture
def seen(monkeypatch):
    """The size and the deviation of a channel of the first batch of each epoch's training and validation."""
    found, batches = [], Dataset.batches

    def spied(self, split, **options):
        for number, (images, labels) in enumerate(batches(self, split, **options)):
            if number == 0:
                found.append((split, images.shape[-1], round(float(images.std()), 1)))
            yield images, labels

    monkeypatch.setattr(Dataset, "batches", spied)
    return found


def test_a_third_of_the_epochs_each_at_half_three_quarters_and_all_pixels(training, seen):
    list(training(Trial("t0", 0, CONFIG, seed=1)))
    assert [size for split, size, _ in seen if split == "train"] == [8, 8, 12, 12, 16, 16]
    assert {size for split, size, _ in seen if split == "valid"} == {16}


def test_each_size_is_normalized_by_its_own_statistics(training, seen):
    list(training(Trial("t0", 0, CONFIG, seed=1)))
    assert all(0.9 <= deviation <= 1.1 for split, _, deviation in seen if split == "train"), seen


def test_a_trial_that_goes_on_in_another_stage_comes_to_the_same_numbers(training, tmp_path):
    through = list(training(Trial("t0", 0, CONFIG, seed=1)))
    other = replace(training, checkpoints=tmp_path / "other" / "checkpoints")
    other.leave_mark()
    attempt = other(Trial("t0", 0, CONFIG, seed=1))
    first = [next(attempt) for _ in range(3)]
    attempt.close()
    going_on = Trial(
        "t0", 0, CONFIG, seed=1, attempt=2, checkpoint=first[-1].checkpoint or "", epoch=3,
        device_seconds=first[-1].device_seconds,
    )  # fmt: skip
    assert [each.score for each in [*first, *other(going_on)]] == [each.score for each in through]


@pytest.mark.parametrize(
    ("pixels", "begin", "sizes"),
    [(64, 0.5, (32, 48, 64)), (8, 0.5, (4, 8, 8)), (6, 0.5, (3, 4, 6)), (20, 1.0, (20,) * 3)],
)
def test_sizes_are_multiples_of_four_where_there_are_pixels_for_it(pixels, begin, sizes):
    assert stage_sizes(pixels, begin) == sizes


@pytest.mark.parametrize(
    ("epochs", "stages"), [(1, [2]), (2, [1, 2]), (3, [0, 1, 2]), (8, [0, 0, 1, 1, 1, 2, 2, 2])]
)
def test_the_last_stage_always_comes(epochs, stages):
    assert [stage_of(epoch, epochs) for epoch in range(1, epochs + 1)] == stages


def test_the_cost_is_that_of_the_pixels_which_are_seen():
    recipe = compose({**CONFIG, "pixels": 64}, TrainSpec(epochs=3, progressive=0.5))
    assert area_share(recipe) == pytest.approx((0.25 + 0.5625 + 1) / 3)


def test_a_network_that_was_built_for_one_size_is_refused_by_name():
    recipe = compose({"architecture": "lenet5", "pixels": 32}, TrainSpec(progressive=0.5))
    with pytest.raises(SpecError, match="progressive: lenet5 built for 32 px takes no images of 16 px"):
        check_progressive(recipe, shape=(3, 32, 32), classes=5)


def test_features_of_a_frozen_backbone_do_not_grow():
    config = {"architecture": "pretrained", "backbone": "mobilenet_v3_small", "freeze": "all", "pixels": 32}
    with pytest.raises(SpecError, match="progressive: features of a frozen backbone"):
        check_progressive(compose(config, TrainSpec(progressive=0.5)), shape=(3, 32, 32), classes=5)


def test_compiling_for_every_size_is_refused():
    with pytest.raises(SpecError, match="compiled anew for each size"):
        compose(CONFIG, TrainSpec(progressive=0.5, compile=True))
