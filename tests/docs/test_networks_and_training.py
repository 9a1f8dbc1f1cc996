"""What docs/networks.md and docs/training.md say exists, and the other way round."""

from pathlib import Path

import pytest

from sweeper.config.sections import TrainSpec
from sweeper.models import model

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", list(model))
def test_every_network_is_described(name):
    assert f"`{name}`" in (DOCS / "networks.md").read_text()


@pytest.mark.parametrize("name", ["cnn", "pretrained"])
def test_every_option_of_the_large_networks_is_described(name):
    text = (DOCS / "networks.md").read_text()
    assert [
        option for option in model.options(name) if f"`{option}`" not in text and option != "inputs"
    ] == []


def test_every_setting_of_training_is_described():
    text = (DOCS / "training.md").read_text()
    assert [field for field in TrainSpec.model_fields if f"`{field}`" not in text] == []
