import json
from dataclasses import replace

import pytest

from sweeper.config.spec import parse_spec
from sweeper.cost import terms
from sweeper.data.dataset import DataFacts
from sweeper.errors import SpecError
from sweeper.plan.network_cost import size_of

FACTS = DataFacts(
    source="digits", classes=tuple("0123456789"), channels=1, images=1797, per_class=(180,) * 10,
    per_split={"train": 1259, "valid": 359, "test": 179}, per_class_and_split={}, copies=0, bad=(),
    warnings=(), digest="d",
)  # fmt: skip
TOY = {
    "name": "toy",
    "dataset": {"source": "digits"},
    "parameters": {"pixels": [8], "filters": [16], "layers": [1, 2]},
    "train": {"epochs": 2, "batch_size": 32},
    "budget": {"trials": 1},
}
SMALL = {"pixels": 8, "layers": 1, "filters": [16]}


def size(config=SMALL, facts=FACTS, **train):
    return size_of(config, parse_spec(json.dumps(TOY | {"train": TOY["train"] | train})), facts)


def test_the_work_of_an_epoch_counts_steps_and_images_as_training_makes_them():
    work = size().work
    assert (work.steps, work.train_images, work.valid_images, work.valid_steps) == (40, 40 * 31, 359, 2)
    assert work.flops == sum(row.flops for row in size().layers)
    assert work.inputs == 64


@pytest.mark.parametrize(
    ("change", "term"),
    [
        ({"filters": [64]}, "arithmetic"),
        ({"pixels": 16}, "memory"),
        ({"layers": 2, "filters": [16, 16]}, "calls"),
        ({"augmentation": "light"}, "augmentation"),
        ({"normalization": "zca"}, "arithmetic"),
    ],
)
def test_each_choice_enters_the_term_that_it_costs(change, term):
    place = ("arithmetic", "memory", "calls", "weights", "augmentation", "epoch").index(term)
    assert terms(size(SMALL | change).work)[place] > terms(size().work)[place]


def test_memory_grows_with_the_batch_and_the_optimizers_states():
    assert size(batch_size=256).memory > 4 * size().memory
    assert size(optimizer="adamw").memory > size(optimizer="sgd").memory
    assert size(optimizer="adamw").checkpoint > size(optimizer="sgd").checkpoint


def test_a_batch_larger_than_the_data_is_one_step():
    few = replace(FACTS, per_split={"train": 20, "valid": 5, "test": 5})
    assert size(facts=few).work.steps == 1


def test_an_automatic_batch_is_the_one_that_training_takes():
    assert size(batch_size="auto").work.steps == 41  # of 31 images: 40 updates an epoch at least


def test_a_file_of_weights_is_not_needed_and_a_shared_backbone_costs_an_epoch_its_head_alone():
    frozen = {"architecture": "pretrained", "backbone": "resnet18", "pixels": 32, "weights": "imagenet"}
    shared, own = size(frozen | {"freeze": "all"}).work, size(frozen | {"freeze": "none"}).work
    assert shared.flops < own.flops / 100
    assert shared.parameters < own.parameters / 100
    assert size(frozen | {"freeze": "all", "augmentation": "light"}).work.flops == own.flops


def test_a_network_that_cannot_be_built_is_refused():
    with pytest.raises((SpecError, RuntimeError, ValueError)):
        size({"pixels": 8, "layers": 5, "filters": [4] * 5})


WIDE = {"pixels": 8, "layers": 1, "filters": [16], "convs_per_block": 2}


def test_muon_is_counted_with_the_products_that_orthogonalize_each_matrix():
    """16 x 9 and 16 x 144: five times 4 a^2 b + 2 a^3 operations for sides a <= b."""
    work = size(WIDE, optimizer="muon").work
    assert work.update == 5 * (4 * 9**2 * 16 + 2 * 9**3 + 4 * 16**2 * 144 + 2 * 16**3)
    assert terms(work)[0] - terms(size(WIDE).work)[0] == work.update * work.steps


def test_averaging_over_mirror_images_validates_twice_and_trains_once():
    plain, averaged = size(WIDE).work, size(WIDE | {"flip_average": True}).work
    assert (averaged.valid_images, averaged.valid_steps) == (2 * plain.valid_images, 2 * plain.valid_steps)
    assert (averaged.flops, averaged.train_images) == (plain.flops, plain.train_images)


def test_averaged_weights_are_a_copy_in_memory_and_another_in_the_checkpoint():
    plain, averaged = size(WIDE), size(WIDE, ema=0.99)
    assert averaged.memory - plain.memory == 4 * plain.parameters
    assert averaged.checkpoint - plain.checkpoint == 4 * plain.trained


def test_frozen_patches_and_scales_are_parameters_that_nothing_trains():
    found = size(WIDE | {"whitening": True, "norm_scale": False})
    assert found.layers[0].parameters == 8 * 4 + 8
    assert found.parameters - found.trained == 8 * 4 + 4 * 2 * 16 - 2 * 16
    assert found.layers[0].flops == 2 * 49 * 8 * 4
