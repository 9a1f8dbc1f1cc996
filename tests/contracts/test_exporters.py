"""What every export format promises."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sweeper.config.sections import TrainSpec
from sweeper.data.normalize import normalization
from sweeper.errors import MissingExtraError
from sweeper.export import Format, exporter
from sweeper.export.parts.servable import servable
from sweeper.inference.trained_network import TrainedModel
from sweeper.training.network import build_initialized
from sweeper.training.recipe import compose

CLASSES = ("apple", "basil", "café", "$dal$", "寿司", "fig", "gin")


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    config = {"architecture": "cnn", "layers": 2, "filters": 8, "kernel": 2, "pixels": 12, "dropout": 0.2}
    recipe = compose({**config, "normalization": "standardize"}, TrainSpec())
    fitted = {"mean": np.float32([0.4, 0.5, 0.6]), "deviation": np.float32([0.2, 0.3, 0.1])}
    module = build_initialized(recipe, shape=(3, 12, 12), classes=len(CLASSES), seed=1).eval()
    transform = normalization["standardize"]().transform(fitted)
    device = torch.device("cpu")
    return TrainedModel(
        "shelf", 4, "0123abcd", 3, recipe, (3, 12, 12), CLASSES, module, fitted, transform, device,
        torch.float32,
    )  # fmt: skip


@pytest.fixture(scope="module", params=list(exporter))
def written(request, model: TrainedModel, tmp_path_factory) -> tuple[Format, Path]:
    try:
        made_of = exporter[request.param]()
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    path = tmp_path_factory.mktemp("exports") / f"shelf{made_of.suffix}"
    made_of.write(servable(model, {"valid/top5": 0.5}), path)
    return made_of, path


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_any_number_of_images_is_answered_as_the_trial_does(model, written, rows: int) -> None:
    made_of, path = written
    pixels = np.random.default_rng(rows).integers(0, 256, (rows, 12, 12, 3), dtype=np.uint8)
    found = made_of.load(path)(pixels)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, model.probabilities(torch.from_numpy(pixels)).numpy(), atol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)


def content(path: Path) -> bytes:
    """All that was written; MLflow's YAML, which escapes letters in its own way, as JSON."""
    if path.is_file():
        return path.read_bytes()
    return json.dumps(yaml.safe_load((path / "MLmodel").read_text())).encode()


def test_the_class_names_and_the_trial_are_inside(written) -> None:
    held = content(written[1])
    for name in CLASSES:
        assert name.encode() in held or json.dumps(name)[1:-1].encode() in held
    assert b"0123abcd" in held
