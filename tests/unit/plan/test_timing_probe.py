import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sweeper.config.spec import parse_spec
from sweeper.cost import Work, terms
from sweeper.data.dataset import describe
from sweeper.plan.network_cost import size_of
from sweeper.plan.timing_probe import LEAST_STEPS, Job, Short, chosen, device_name
from sweeper.training.open_images import open_for
from sweeper.training.recipe import compose

SPEC = parse_spec(
    json.dumps(
        {
            "name": "toy",
            "dataset": {"source": "digits"},
            "parameters": {"pixels": [8], "filters": {"values": [4, 8], "per": "layers"}, "layers": [1, 2]},
            "train": {"epochs": 2, "batch_size": 64},
            "budget": {"trials": 2},
        }
    )
)
CONFIG = {"pixels": 8, "layers": 1, "filters": [4]}
WORK = Work(1e6, 1e3, 5, 100, 64.0, 10, 1000, 200, 2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def short(cache: Path) -> Short:
    return Short(open_for(compose(CONFIG, SPEC.train), SPEC.dataset, cache))


def test_the_dearest_configuration_is_probed_first_and_none_twice():
    works = [({"n": n}, replace(WORK, flops=10.0**n, steps=11 - n)) for n in range(4, 10)]
    picked = chosen(works, 4, is_gpu=False)
    assert picked[0][0] == {"n": 9}
    assert len({config["n"] for config, _ in picked}) == 4


def test_few_configurations_are_all_probed():
    assert len(chosen([({}, WORK)], 6, is_gpu=False)) == 1


def test_those_are_probed_that_say_something_new():
    same = [({"n": n}, WORK) for n in range(20)]
    other = ({"n": "augmented"}, replace(WORK, augmentation=3e4))
    assert other in chosen([*same, other], 2, is_gpu=False)


def test_a_short_epoch_says_what_it_computed(short):
    for split in ("train", "valid"):
        assert sum(len(images) for images, _ in short.batches(split, batch_size=64)) > 0
    work = short.part_of(WORK)
    assert (work.steps, work.train_images, work.valid_steps, work.valid_images) == (4, 256, 1, 64)
    assert short.size("train") > 1000


def test_it_is_lengthened_by_what_its_steps_took_and_never_below_a_few(short):
    short.lengthen(0.01)
    assert short.steps > 100
    short.lengthen(1e6)
    assert short.steps == LEAST_STEPS


def test_a_probe_trains_on_the_images_and_gives_seconds_for_what_it_trained(cache):
    work = size_of(CONFIG, SPEC, describe(SPEC.dataset, cache)).work
    job = Job(SPEC.dataset, SPEC.train, SPEC.objective.metric, cache, ((CONFIG, work),), seconds=0)
    (probe,) = job()
    assert probe.config == CONFIG
    assert 0 < probe.timing.seconds < 30
    assert 0 < probe.timing.work.steps <= work.steps
    assert np.all(np.array(terms(probe.timing.work)) >= 0)


def test_the_device_has_a_name():
    assert device_name()
