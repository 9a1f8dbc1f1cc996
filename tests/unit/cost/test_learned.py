import math

import numpy as np
import pytest

from sweeper.config.spec import parse_spec
from sweeper.cost.learned import PaceModel
from sweeper.search.random import draw

SPACE = parse_spec(
    """
name: pace
dataset: {source: digits}
parameters:
  architecture: [cnn, vgg]
  pixels: [8, 16, 32]
  layers: {min: 1, max: 4, when: {architecture: cnn}}
  filters: {values: [16, 32, 64], per: layers}
  dropout: {min: 0.0, max: 0.4}
budget: {trials: 4}
"""
).space


def drawn(number):
    generator = np.random.default_rng(number)
    return SPACE.sample(lambda name, parameter: draw(parameter, generator))


def true_pace(config):
    filters = config.get("filters", [24])
    depth = 3.0 if config["architecture"] == "vgg" else sum(filters) / 32
    return 0.01 * config["pixels"] ** 2 * depth


def test_nothing_is_said_before_three_trials():
    model = PaceModel(SPACE)
    for number in range(2):
        model.learn(drawn(number), 1.0)
    assert model.seconds_per_epoch(drawn(5)) is None
    model.learn(drawn(2), 1.0)
    assert model.seconds_per_epoch(drawn(5)) == pytest.approx(1.0)


def test_forty_trials_teach_the_pace_of_others_to_a_quarter():
    model = PaceModel(SPACE)
    for number in range(40):
        model.learn(drawn(number), true_pace(drawn(number)))
    others = [drawn(number) for number in range(100, 160)]
    errors = [abs(math.log(model.seconds_per_epoch(config) / true_pace(config))) for config in others]
    assert np.median(errors) < 0.25


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_a_pace_that_cannot_be_teaches_nothing(seconds):
    model = PaceModel(SPACE)
    model.learn(drawn(0), seconds)
    assert model.count == 0
