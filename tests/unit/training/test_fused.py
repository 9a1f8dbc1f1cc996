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


def made_of(place, folder, data, config):
    config = {**EQUAL, **config}
    recipe = compose(config, TrainSpec(epochs=EPOCHS, batch_size=32, ema=0.9, precision="fp32"))
    trial = Trial(f"t{place}", place, config, seed=place)
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


def together(folder, data, configs, leave=lambda place, report: False):
    """Drive the trials as a pack does; what one raises is the last of its list."""
    stages = {}
    for place, config in enumerate(configs):
        what, where = made_of(place, folder, data, config)
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
