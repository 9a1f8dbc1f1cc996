"""Trials that train as one come to what each comes to alone."""

import math
from pathlib import Path

import pytest
import torch

from sweeper.config.sections import TrainSpec
from sweeper.training.checkpoint import load
from sweeper.training.checkpoint_writer import Saving
from sweeper.training.epoch import Epoch
from sweeper.training.fused import train_together
from sweeper.training.loop import Diverged, stages_of, train
from sweeper.training.recipe import compose
from sweeper.trial import Report, Trial

CPU = torch.device("cpu")
EQUAL = {"pixels": 8, "layers": 1, "filters": 4, "pooling": "mixed"}
DIFFERENT = (
    {"learning_rate": 0.02, "dropout": 0.1, "weight_decay": 0.0},
    {"learning_rate": 0.01, "dropout": 0.4, "label_smoothing": 0.2, "weight_decay": 0.1},
    {"learning_rate": 0.005, "dropout": 0.2, "optimizer": "sgd", "clip_norm": 0.5},
)
EPOCHS = 3


def made_of(place, folder, data, config, checkpoint=None):
    config = {**EQUAL, **config}
    averaged = {} if "lookahead" in config else {"ema": 0.9}
    recipe = compose(config, TrainSpec(epochs=EPOCHS, batch_size=32, precision="fp32", **averaged))
    trial = Trial(
        f"t{place}", place, config, seed=place, attempt=2 if checkpoint else 1, checkpoint=checkpoint
    )
    where = {
        "objective": "valid/loss",
        "device": CPU,
        "checkpoints": folder,
        "saving": Saving(at_once=math.inf),
    }
    return (trial, data, recipe), where


def alone(place, folder, data, config):
    what, where = made_of(place, folder, data, config)
    return list(train(*what, **where))


def together(folder, data, configs, leave=lambda place, report: False, checkpoints=None, before=None):
    """Drive the trials as a pack does; what one raises is the last of its list.

    `configs` are by place; those in `checkpoints` go on from there. `before` sees what is to be trained.
    """
    stages = {}
    for place, config in dict(configs if isinstance(configs, dict) else enumerate(configs)).items():
        what, where = made_of(place, folder, data, config, (checkpoints or {}).get(place))
        stages[place] = stages_of(*what, **where)
    said, answers = {place: [] for place in stages}, {}
    while stages:
        due = {}
        for place, items in list(stages.items()):
            try:
                item = items.send(answers.pop(place, None))
                while isinstance(item, Report):
                    said[place].append(item)
                    if leave(place, item):
                        items.close()
                    item = next(items)
                due[place] = item
            except StopIteration:
                del stages[place]
            except Diverged as error:
                said[place].append(error)
                del stages[place]
        if due:
            assert all(isinstance(item, Epoch) for item in due.values())
            if before is not None:
                before(list(due.values()))
            answers = dict(zip(due, train_together(list(due.values())), strict=True))
    return said


def weights(report):
    return load(Path(report.checkpoint), CPU)["model"]


def assert_equal(one, other):
    assert [report.epoch for report in one] == [report.epoch for report in other]
    for each, expected in zip(one, other, strict=True):
        assert each.score == pytest.approx(expected.score, abs=1e-4)
        assert each.metrics["train/loss"] == pytest.approx(expected.metrics["train/loss"], abs=1e-4)
    for name, tensor in weights(other[-1]).items():
        torch.testing.assert_close(weights(one[-1])[name], tensor, rtol=1e-3, atol=1e-4)


def test_a_pack_comes_to_what_each_of_its_trials_comes_to_alone(patterns, tmp_path):
    said = together(tmp_path / "pack", patterns, DIFFERENT)
    for place, config in enumerate(DIFFERENT):
        assert_equal(said[place], alone(place, tmp_path / "alone", patterns, config))


def test_the_others_go_on_as_before_when_one_leaves_and_what_it_saved_goes_on_alone(patterns, tmp_path):
    said = together(
        tmp_path / "pack", patterns, DIFFERENT, lambda place, report: (place, report.epoch) == (1, 1)
    )
    whole = [alone(place, tmp_path / "alone", patterns, config) for place, config in enumerate(DIFFERENT)]
    for place in (0, 2):
        assert_equal(said[place], whole[place])
    (trial, *what), where = made_of(1, tmp_path / "pack", patterns, DIFFERENT[1])
    rest = Trial(trial.id, 1, trial.config, trial.seed, 2, checkpoint=said[1][-1].checkpoint)
    assert_equal([*said[1], *train(rest, *what, **where)], whole[1])


def test_what_is_no_number_in_one_does_not_reach_another(patterns, tmp_path):
    wild = {"learning_rate": 1e30, "optimizer": "sgd", "dropout": 0.1}
    said = together(tmp_path / "pack", patterns, [DIFFERENT[0], wild, DIFFERENT[2]])
    assert isinstance(said[1][-1], Diverged)
    for place in (0, 2):
        assert_equal(said[place], alone(place, tmp_path / "alone", patterns, DIFFERENT[place]))


def test_networks_that_differ_train_side_by_side(patterns, tmp_path):
    configs = [DIFFERENT[0], {**DIFFERENT[0], "filters": 8}, DIFFERENT[1]]
    said = together(tmp_path / "pack", patterns, configs)
    for place, config in enumerate(configs):
        assert_equal(said[place], alone(place, tmp_path / "alone", patterns, config))


TRAINING = {
    "muon": [{"optimizer": "muon", "learning_rate": rate, "momentum": 0.6} for rate in (0.02, 0.05)],
    "balanced": [{"class_weights": "balanced"}, {"class_weights": "none"}, {"class_weights": "balanced"}],
    "whitening": [{"whitening": True, "learning_rate": rate} for rate in (0.01, 0.02)],
    "lookahead": [{"lookahead": 2}, {"lookahead": 3, "optimizer": "sgd"}],
    "rates and decay": [{"bias_rate": 8.0, "schedule": "linear"}, {"head_rate": 0.5, "weight_decay": 0.1}],
    "dropout of none and some": [{"dropout": 0.0}, {"dropout": 0.3}, {"head_dropout": 0.4}, {"dropout": 0.1}],
    "dropout here and there": [
        {"dropout": 0.2},
        {"head_dropout": 0.4},
        {"dropout": 0.2, "head_dropout": 0.1},
    ],
}


@pytest.fixture
def rare(patterns):
    """Few pictures of the last class, so that balanced weights differ."""
    rows = [row for row, label in enumerate(patterns.labels("train")) if label < 3 or row % 16 == 3]
    for held in (patterns._images, patterns._labels):
        held["train"] = held["train"][rows]
    return patterns


@pytest.mark.parametrize("configs", TRAINING.values(), ids=TRAINING.keys())
def test_each_way_to_train_comes_to_the_same_in_a_pack(rare, tmp_path, configs):
    said = together(tmp_path / "pack", rare, configs)
    for place, config in enumerate(configs):
        assert_equal(said[place], alone(place, tmp_path / "alone", rare, config))


def test_one_whose_patience_is_over_leaves_and_the_others_train_on(patterns, tmp_path):
    configs = [{"epochs": 5, "patience": 1, "learning_rate": 1.0}, {"epochs": 5}, {"epochs": 4}]
    said = together(tmp_path / "pack", patterns, configs)
    assert len(said[0]) < 4
    for place, config in enumerate(configs):
        assert_equal(said[place], alone(place, tmp_path / "alone", patterns, config))


def test_a_pack_that_goes_on_comes_to_the_bits_of_one_that_ran_through(patterns, tmp_path):
    whole = together(tmp_path / "whole", patterns, DIFFERENT)
    first = together(tmp_path / "cut", patterns, DIFFERENT, lambda place, report: report.epoch == 1)
    assert {len(said) for said in first.values()} == {1}
    saved = {place: said[-1].checkpoint for place, said in first.items()}
    rest = together(tmp_path / "cut", patterns, DIFFERENT, checkpoints=saved)
    for place in whole:
        assert [report.epoch for report in rest[place]] == [2, 3]
        assert rest[place][-1].score == whole[place][-1].score
        for name, tensor in weights(whole[place][-1]).items():
            assert torch.equal(weights(rest[place][-1])[name], tensor)


def test_what_left_one_pack_goes_on_in_another(patterns, tmp_path):
    configs = {0: DIFFERENT[0], 1: DIFFERENT[1]}
    first = together(
        tmp_path / "pack", patterns, configs, lambda place, report: (place, report.epoch) == (1, 1)
    )
    others = {1: DIFFERENT[1], 2: DIFFERENT[2], 3: DIFFERENT[0]}
    saved = {1: first[1][-1].checkpoint}
    second = together(tmp_path / "pack", patterns, others, checkpoints=saved)
    assert_equal([*first[1], *second[1]], alone(1, tmp_path / "alone", patterns, DIFFERENT[1]))
    assert_equal(second[2], alone(2, tmp_path / "alone", patterns, DIFFERENT[2]))


def test_what_has_no_memory_as_one_is_done_one_after_the_other(patterns, tmp_path, caplog):
    """Without layers that draw or keep statistics, a step that is begun again is the same step."""
    still = {"batch_norm": False, "pooling": "max"}
    configs = [{**still, "learning_rate": 0.02}, {**still, "optimizer": "sgd", "learning_rate": 0.01}]
    tried = []

    def short(epochs):
        stepper = epochs[-1].learner.step
        loss = stepper.loss

        def fails_once(logits, labels):
            stepper.loss = loss
            tried.append(len(epochs))
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

        if not tried:
            stepper.loss = fails_once

    said = together(tmp_path / "pack", patterns, configs, before=short)
    assert tried == [2]
    assert "2 trials are too many at once, each trains alone" in caplog.text
    for place, config in enumerate(configs):
        assert_equal(said[place], alone(place, tmp_path / "alone", patterns, config))
