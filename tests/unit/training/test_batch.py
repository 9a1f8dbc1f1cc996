import itertools
import math
from pathlib import Path

import pytest
import torch

from sweeper.config.sections import TrainSpec
from sweeper.training.batch import even_batches, fastest_batch, measured, most_images, rate_factor
from sweeper.training.checkpoint import load
from sweeper.training.loop import train
from sweeper.training.network import build_initialized
from sweeper.training.recipe import compose
from sweeper.trial import Trial
from tests.unit.training.conftest import Patterns

CPU = torch.device("cpu")
CONFIG = {"pixels": 8, "layers": 1, "filters": [4], "optimizer": "adamw"}


@pytest.mark.parametrize(
    ("images", "batch_size", "expected"),
    [
        (1257, 128, (125, 10)),
        (100, 100, (100, 1)),
        (100, 1000, (100, 1)),
        (129, 128, (64, 2)),
        (1, 128, (1, 1)),
        (7, 3, (2, 3)),
    ],
)
def test_batches_are_even_and_never_larger_than_asked_for(images, batch_size, expected):
    size, steps = even_batches(images, batch_size)
    assert (size, steps) == expected
    assert size <= batch_size
    assert images - size * steps < steps


@pytest.mark.parametrize("images", [3, 5, 7, 1001])
def test_pairs_of_an_odd_number_are_pairs_and_leave_one_image_out(images):
    """Evened out they were batches of one, which BatchNorm refuses at 1 px, and half of the images."""
    assert even_batches(images, 2) == (2, images // 2)


@pytest.mark.parametrize(
    ("rates", "limit", "expected"),
    [
        ({32: 100, 64: 190, 128: 200, 256: 201, 512: 202}, 10_000, 64),
        ({32: 100, 64: 200, 128: 400, 256: 800, 500: 1600}, 500, 500),
        ({32: 100, 64: 200, 128: 400}, 10_000, 128),
        ({32: 100, 64: 99, 128: 98}, 10_000, 32),
        ({8: 10, 4: 9}, 10_000, 8),
        ({20: 10}, 20, 20),
        ({}, 100, 1),
    ],
    ids=["flat", "the limit", "memory ends", "a slow device", "little memory", "few images", "no memory"],
)
def test_the_batch_is_the_smallest_that_reaches_nine_tenths_of_the_throughput(rates, limit, expected):
    assert fastest_batch(rates.get, limit) == expected


@pytest.mark.parametrize("images", [1, 5, 100, 160, 1257, 5119, 5120, 50_000])
def test_an_epoch_keeps_forty_updates_and_no_batch_is_the_whole_split(images):
    size, steps = even_batches(images, most_images(images))
    assert steps >= 40 or size <= 4
    assert size < images or images == 1


def run(data, *, trial=None, **options):
    settings = {"epochs": 2, "batch_size": "auto", "learning_rate": 0.02, **options.pop("settings", {})}
    recipe = compose(CONFIG, TrainSpec(**settings))
    trial = trial or Trial("t", 0, CONFIG, seed=1)
    return list(train(trial, data, recipe, objective="valid/loss", device=CPU, **options))


def state_of(report):
    return load(Path(report.checkpoint), CPU)


def test_a_cpu_takes_what_forty_updates_leave_with_the_rate_scaled_and_said(tmp_path, caplog):
    data = Patterns({"train": 1300, "valid": 20})
    reports = run(data, checkpoints=tmp_path)
    state = state_of(reports[-1])
    assert state["batch_size"] == 32
    assert state["learning_rate"] == pytest.approx(0.02 * math.sqrt(32 / 128))
    said = "batch_size: auto is 32 images; learning rate x 0.5 (by the square root of 32/128)"
    assert [text for text in caplog.messages if "auto" in text] == [said]
    config = {"epochs": 2, "batch_size": 32, "learning_rate": 0.01}
    assert run(data, settings=config)[-1].score == reports[-1].score, "the same as if the file had said so"


@pytest.mark.parametrize(
    ("optimizer", "factor"), [("sgd", 0.25), ("adamw", 0.5), ("adam", 0.5), ("rmsprop", 0.5), ("muon", 0.5)]
)
def test_the_rate_follows_the_batch_by_the_rule_of_the_optimizer(optimizer, factor):
    assert rate_factor(TrainSpec(optimizer=optimizer), 32) == factor


def test_a_device_that_is_measured_takes_its_batch_and_keeps_it_for_the_next_trial(tmp_path):
    data, asked = Patterns({"train": 5200, "valid": 20}), []

    def throughput(size):
        asked.append(size)
        return {32: 100.0, 64: 195.0, 128: 200.0}.get(size)

    kept = {"cache": tmp_path / "cache", "throughput": throughput}
    (first, _), (again, _) = (run(data, checkpoints=tmp_path / name, **kept) for name in ("a", "b"))
    assert asked == [32, 64, 128, 130]
    assert [state_of(each)["batch_size"] for each in (first, again)] == [64, 64]


def test_a_later_attempt_keeps_batch_and_rate_whatever_its_device_would_take(tmp_path):
    data = Patterns({"train": 5200, "valid": 20})
    first = run(data, checkpoints=tmp_path, throughput={32: 1.0, 64: 2.0}.get, settings={"epochs": 1})[-1]
    later = Trial("t", 0, CONFIG, seed=1, attempt=2, epoch=1, checkpoint=first.checkpoint)
    last = run(data, trial=later, checkpoints=tmp_path, throughput={32: 9.0}.get)[-1]
    one, other = state_of(first), state_of(last)
    assert (other["batch_size"], other["learning_rate"]) == (one["batch_size"], one["learning_rate"])
    assert one["batch_size"] == 64


def test_what_does_not_fit_in_training_or_not_even_one_at_a_time_in_evaluation_is_not_taken(holding):
    recipe = compose(CONFIG, TrainSpec())
    module = build_initialized(recipe, shape=(1, 8, 8), classes=4, seed=0)
    found = measured(module, recipe.train, shape=(1, 8, 8), device=CPU, clock=itertools.count(0.0).__next__)
    with holding(48) as seen:
        assert fastest_batch(found, 10_000) == 32
    assert max(seen) <= 48
    assert {16, 32} & set(seen), "evaluation was tried in pieces"
