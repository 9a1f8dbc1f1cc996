import json
import shutil
from pathlib import Path

import pytest

from sweeper.cli import run


@pytest.fixture
def own(shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sweep that a test may write to."""
    shutil.copytree(shelf.runs, tmp_path / "runs")
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs" / "shelf"


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_layers_are_a_table_with_sums_and_pictures_are_named(own: Path, capsys) -> None:
    assert run(["show", "shelf", "--trial", "0"]) == 0
    out = capsys.readouterr().out
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line}
    assert lines["block1.conv1"] == ["block1.conv1", "Conv2d", "8x16x16", "216", "110,592"]
    assert lines["sum"][1] == "910"
    for name in ("curves.png", "curves.svg", "filters.png", "feature_maps.png"):
        assert str(own / "show" / "0" / name) in out
        assert (own / "show" / "0" / name).stat().st_size > 1000


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_maps_of_an_own_image_and_an_own_layer(own: Path, shelf, capsys) -> None:
    photo = str(shelf.photos / "egg" / "1.jpg")
    assert run(["show", "shelf", "--image", photo, "--layer", "block2.pool", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["parameters"] == sum(layer["parameters"] for layer in facts["layers"])
    assert len(facts["files"]) == 4
    assert run(["show", "shelf", "--image", str(own / "record.db")]) == 2
    assert "record.db: not an image of a known format" in capsys.readouterr().err


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_without_a_checkpoint_the_layers_and_curves_remain(own: Path, shelf, capsys) -> None:
    hidden = shelf.runs / "shelf" / "hidden"
    (shelf.runs / "shelf" / "checkpoints").rename(hidden)
    shutil.rmtree(own / "checkpoints")
    try:
        assert run(["show", "shelf", "--trial", "1"]) == 0
    finally:
        hidden.rename(shelf.runs / "shelf" / "checkpoints")
    said = capsys.readouterr()
    assert "block1.conv1" in said.out
    assert "curves.svg" in said.out
    assert "neither filters nor feature maps" in said.err


PARAMETERS = [
    # as the study printed it, but for grey images: 2 channels x 3 x 3 x 32 filters less
    ({"architecture": "googlenet", "pixels": 32}, 23_188_534 - 576),
    # torchvision's own figure without its head, and ours: position embedding and attention are in no layer
    ({"architecture": "pretrained", "backbone": "vit_b_16", "weights": "none", "pixels": 224}, 85_806_346),
]


@pytest.mark.slow(reason="networks of the papers, at their size")
@pytest.mark.parametrize(("config", "parameters"), PARAMETERS)
def test_every_parameter_is_counted_without_a_checkpoint(make_run, capsys, config, parameters: int) -> None:
    fixed = {name: {"value": value} for name, value in config.items()}
    meta = {"classes": json.dumps(list("0123456789"))}
    make_run("toy", parameters=fixed, budget={"trials": 1}, meta=meta)
    assert run(["show", "toy", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["parameters"] == parameters
    assert "neither filters nor feature maps" in facts["note"]
