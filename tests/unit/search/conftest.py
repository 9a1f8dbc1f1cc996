import json
from collections.abc import Callable

import pytest

from sweeper.config.space import Space
from sweeper.config.spec import parse_spec

WHOLE = {
    "architecture": {"values": ["cnn", "pretrained"]},
    "backbone": {"values": ["vgg16", "resnet50"], "when": {"architecture": "pretrained"}},
    "layers": {"min": 1, "max": 4, "when": {"architecture": "cnn"}},
    "filters": {"values": [16, 32, 64], "per": "layers"},
    "dropout": {"min": 0.0, "max": 0.5, "q": 0.1},
    "learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
    "pixels": {"min": 32, "max": 128, "q": 16},
    "units": {"distribution": "q_log_uniform_values", "min": 1, "max": 1000, "q": 1},
    "decay": {"distribution": "q_log_uniform_values", "min": 0.5, "max": 8.0, "q": 0.5},
    "kernel": {"values": [[3, 3], [5, 5]]},
    "batch_norm": {"values": [True, False]},
    "epochs": {"value": 9},
}


@pytest.fixture
def make_space() -> Callable[..., Space]:
    """`make_space({...})`: a space as a sweep file writes it; without arguments one of every kind."""

    def build(parameters=None) -> Space:
        written = {"name": "s", "dataset": {"source": "digits"}, "parameters": parameters or WHOLE}
        return parse_spec(json.dumps(written)).space

    return build
