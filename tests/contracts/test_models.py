"""What every network keeps to, whoever adds it."""

import pytest
import torch

from sweeper.models import model
from sweeper.models.parts.count import count, layer_table

SHAPE = (3, 32, 32)
PIXELS = {"alexnet": 227, "alexnet_small": 32}


def options_of(name):
    return model.check(name, {"weights": "none"} if name == "pretrained" else {})


@pytest.mark.parametrize("name", list(model))
def test_it_gives_one_logit_a_class(name):
    pixels = PIXELS.get(name, 32)
    with torch.device("meta"):
        module = model[name]((3, pixels, pixels), 7, **options_of(name)).eval()
        assert module(torch.empty(2, 3, pixels, pixels)).shape == (2, 7)


@pytest.mark.parametrize("name", list(model))
def test_its_logits_are_float32_where_the_rest_computes_in_half_precision(name):
    """In bfloat16 near logits tie: that cost 0.1 points of top-1."""
    pixels = PIXELS.get(name, 32)
    module = model[name]((3, pixels, pixels), 7, **options_of(name)).eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert module(torch.zeros(1, 3, pixels, pixels)).dtype is torch.float32


@pytest.mark.parametrize("name", list(model))
def test_its_layers_account_for_every_parameter(name):
    pixels = PIXELS.get(name, 32)
    with torch.device("meta"):
        module = model[name]((3, pixels, pixels), 7, **options_of(name))
    rows = layer_table(module, (3, pixels, pixels))
    assert sum(row.parameters for row in rows) == count(module)
    assert sum(row.flops for row in rows) > 0


@pytest.mark.parametrize("name", list(model))
def test_its_docstring_says_what_it_is(name):
    assert len((model[name].__doc__ or "").splitlines()[0]) > 20
