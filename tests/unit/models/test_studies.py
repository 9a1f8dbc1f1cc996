"""Parameter counts as the studies print them; a row a network and a number of classes."""

import pytest
import torch

from sweeper.errors import SpecError
from sweeper.models import model
from sweeper.models.parts.count import count, layer_table, moving_statistics
from sweeper.models.parts.initial_weights import initialize

PRINTED = [
    ("lenet5", 32, 3, 10, 62_006, 0),
    ("lenet5", 32, 3, 100, 69_656, 0),
    ("lenet5", 32, 3, 256, 82_916, 0),
    ("alexnet32", 32, 3, 10, 21_591_306, 704),
    ("alexnet32", 32, 3, 100, 21_960_036, 704),
    ("alexnet32", 32, 3, 256, 22_599_168, 704),
    ("vgg16_bn", 32, 3, 10, 33_687_882, 24_832),
    ("vgg16_bn", 32, 3, 100, 34_056_612, 24_832),
    ("vgg16_bn", 32, 3, 256, 34_695_744, 24_832),
    ("resnet50", 32, 3, 10, 23_608_202, 53_120),
    ("resnet50", 32, 3, 100, 23_792_612, 53_120),
    ("resnet50", 32, 3, 256, 24_112_256, 53_120),
    ("googlenet", 32, 3, 10, 23_188_534, 832),
    ("googlenet", 32, 3, 100, 23_324_884, 832),
    ("googlenet", 32, 3, 256, 23_561_224, 832),
    ("notes_cnn", 32, 3, 10, 258_762, 0),
    ("notes_cnn", 32, 3, 100, 270_372, 0),
    ("notes_cnn", 32, 3, 256, 290_496, 0),
    ("vgg19", 224, 3, 1000, 143_667_240, 0),
    ("inception_stack", 224, 3, 1000, 6_998_552, 0),
    ("alexnet", 227, 3, 1000, 62_378_344 + 5_504, 2_752),
]


def on_meta(name, pixels, channels, classes, **options):
    with torch.device("meta"):
        return model[name]((channels, pixels, pixels), classes, **model.check(name, options))


@pytest.mark.parametrize(("name", "pixels", "channels", "classes", "parameters", "moving"), PRINTED)
def test_parameters_are_those_printed(name, pixels, channels, classes, parameters, moving):
    module = on_meta(name, pixels, channels, classes)
    assert (count(module), moving_statistics(module)) == (parameters, moving)


def test_lenet_layer_by_layer():
    rows = layer_table(on_meta("lenet5", 32, 3, 10), (3, 32, 32))
    assert [row.parameters for row in rows if row.parameters] == [456, 2_416, 48_120, 10_164, 850]


def test_alexnets_dense_part():
    rows = layer_table(on_meta("alexnet32", 32, 3, 10), (3, 32, 32))
    dense = [row.parameters for row in rows if row.kind in ("Linear", "Logits")]
    assert dense == [
        1_052_672,
        16_781_312,
        40_970,
    ]


def test_resnet_sees_19_and_9_pixels_before_its_stages():
    rows = layer_table(on_meta("resnet50", 32, 3, 10), (3, 32, 32))
    assert [row.output[1] for row in rows[1:5]] == [19, 19, 19, 9]


@pytest.mark.slow(reason="networks of the papers, at their size")
@pytest.mark.parametrize("name", ["lenet5", "alexnet32", "resnet50", "googlenet", "notes_cnn"])
def test_it_trains_from_its_own_initial_weights(name):
    module = model[name]((3, 32, 32), 10, **model.check(name, {}))
    initialize(module, torch.Generator().manual_seed(1))
    images = torch.empty(4, 3, 32, 32).normal_(generator=torch.Generator().manual_seed(2))
    loss = torch.nn.functional.cross_entropy(module(images), torch.arange(4))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_googlenets_mixture_is_a_distribution():
    module = model["googlenet"]((3, 32, 32), 10).eval()
    initialize(module, torch.Generator().manual_seed(1))
    with torch.no_grad():
        shares = module(torch.zeros(2, 3, 32, 32)).exp().sum(1)
    assert torch.allclose(shares, torch.ones(2))


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("lenet5", 12),
        ("alexnet32", 16),
        ("alexnet", 32),
        ("vgg16_bn", 16),
        ("googlenet", 16),
        ("notes_cnn", 8),
    ],
)
def test_too_few_pixels_are_refused(name, pixels):
    with pytest.raises(SpecError, match=f"of {pixels} px"):
        on_meta(name, pixels, 3, 10)
