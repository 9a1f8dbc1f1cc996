"""`compile: true` takes a network whole: nothing of it is left to Python between two graphs."""

import contextlib
import weakref

import pytest
import torch
from torch import nn

from sweeper.models import model
from sweeper.models.parts.random_layers import Dropout, DropPath, MixedPool2d, share_generator

PIXELS = {"alexnet": 227}
OPTIONS = [
    {"dropout": 0.2, "head_dropout": 0.3, "dense": [8], "pooling": "mixed"},
    {"residual": True, "convs_per_block": 2, "squeeze_excitation": True, "whitening": True},
    {"pool_first": True, "norm_scale": False, "activation": "gelu", "head": "gmp", "logit_scale": 0.1},
    {"kernel": 2, "stride": 2, "batch_norm": False, "head": "flatten", "flip_average": True, "layers": 2},
    {"padding": "valid", "pooling": "avg", "activation": "silu", "layers": 2},
]


@pytest.fixture(autouse=True)
def forgetful():
    """What one test compiled is no limit to the next."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def whole(module: nn.Module) -> nn.Module:
    return torch.compile(module, backend="eager", fullgraph=True)


@pytest.mark.slow(reason="traces a whole architecture")
@pytest.mark.parametrize("name", list(model))
def test_an_architecture_is_one_graph(name):
    pixels = PIXELS.get(name, 32)
    options = {"weights": "none"} if name == "pretrained" else {}
    with torch.device("meta"):
        module = model[name]((3, pixels, pixels), 7, **model.check(name, options)).train()
        share_generator(module, torch.Generator("cpu"))
        assert whole(module)(torch.empty(2, 3, pixels, pixels)).shape == (2, 7)


@pytest.mark.slow(reason="traces a network with and without autocast")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("half", [False, True])
def test_every_part_of_the_cnn_is_within_the_graph(options, half):
    module = model["cnn"]((3, 16, 16), 4, **model.check("cnn", options)).train()
    share_generator(module, torch.Generator().manual_seed(1))
    context = torch.autocast("cpu", dtype=torch.bfloat16) if half else contextlib.nullcontext()
    with context:
        logits = whole(module)(torch.zeros(2, 3, 16, 16))
        assert logits.dtype is torch.float32
        logits.sum().backward()
        with torch.inference_mode():
            assert whole(module.eval())(torch.zeros(2, 3, 16, 16)).dtype is torch.float32


@pytest.mark.slow(reason="partitions forward and backward passes")
@pytest.mark.parametrize("backend", ["eager", "aot_eager_decomp_partition"])
def test_compiled_layers_draw_the_numbers_of_the_plain_ones(backend):
    """Two layers of one shape draw twice; a second step draws on."""

    class Drawing(nn.Sequential):
        def forward(self, input):
            return self[1](self[0](input)) + self[3](self[2](input))

    found = []
    for is_compiled in (False, True):
        module = Drawing(Dropout(0.4), Dropout(0.4), DropPath(0.5), MixedPool2d(1, 1)).train()
        share_generator(module, torch.Generator().manual_seed(5))
        forward = torch.compile(module, backend=backend, fullgraph=True) if is_compiled else module
        images = torch.ones(6, 2, 4, 4, requires_grad=True)
        outputs = [forward(images) for _ in range(2)]
        sum(output.square().sum() for output in outputs).backward()
        found.append([*outputs, images.grad])
    assert all(torch.equal(a, b) for a, b in zip(found[0][:2], found[1][:2], strict=True))
    assert torch.allclose(found[0][2], found[1][2])
    assert not torch.equal(*found[1][:2])


def test_a_generator_is_forgotten_with_its_network():
    module = nn.Sequential(Dropout(0.5))
    share_generator(module, torch.Generator())
    generator = weakref.ref(module[0].generator)
    assert generator() is not None
    del module
    assert generator() is None
