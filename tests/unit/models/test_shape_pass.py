"""Shapes from a batch without images are those of an image on the meta device, and cost no compiler."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from sweeper.models.parts.shape_pass import shape_pass

PLANNED = """
import sys
from sweeper.config.sections import TrainSpec
from sweeper.models.parts.count import layer_table
from sweeper.training.network import build, check_buildable
from sweeper.training.recipe import compose
import torch
recipe = compose({"architecture": "cnn", "pixels": 32, "layers": 3}, TrainSpec())
check_buildable(recipe, shape=(3, 32, 32), classes=10)
with torch.device("meta"):
    network = build(recipe, shape=(3, 32, 32), classes=10)
print(len(layer_table(network, (3, 32, 32))) > 5, "torch._dynamo" in sys.modules)
"""


class OfOneImage(nn.Module):
    """A network that cannot do without an image, as `view(len(images), -1)` cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images.view(len(images), -1))


def shapes(forward, images):
    return tuple(forward(images).shape[1:])


@pytest.fixture
def meta():
    with torch.device("meta"):
        yield


def test_a_network_that_wants_an_image_gets_one(meta):
    assert shape_pass(shapes, OfOneImage(), (3, 2, 2)) == (5,)


def test_a_network_that_is_larger_than_the_memory_is_passed_all_the_same(meta):
    huge = nn.Sequential(nn.Flatten(), nn.Linear(12, 1 << 45, bias=False), nn.Linear(1 << 45, 5))
    assert shape_pass(shapes, huge, (3, 2, 2)) == (5,)


def test_shapes_that_do_not_fit_raise_what_torch_raises(meta):
    with pytest.raises(RuntimeError, match="12"):
        shape_pass(shapes, nn.Sequential(nn.Flatten(), nn.Linear(7, 5)), (3, 2, 2))


def test_the_network_stays_as_it_was(meta):
    network = nn.Sequential(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.Flatten()).eval()
    assert shape_pass(shapes, network, (3, 5, 5)) == (64,)
    assert all(parameter.is_meta for parameter in network.parameters())


@pytest.mark.slow(reason="a process imports torch")
def test_planning_a_network_loads_no_compiler():
    done = subprocess.run([sys.executable, "-c", PLANNED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
