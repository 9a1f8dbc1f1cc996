import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from sweeper.cli.data import command

SPEC = """
name: toy
dataset: {source: synthetic, classes: 3, per_class: 10, size: 24}
parameters:
  architecture: {value: cnn}
  pixels: {values: [8, 16]}
"""


@pytest.fixture
def say(tmp_path, monkeypatch):
    """`say("inspect", ...)`: the verb's answer, run in an empty folder with an empty cache."""
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("toy.yaml").write_text(SPEC)

    def run(*arguments):
        return CliRunner().invoke(command, arguments, catch_exceptions=False)

    return run


def test_prepare_builds_every_size_of_the_sweep_file(say, tmp_path):
    answer = say("prepare", "toy.yaml")
    assert answer.exit_code == 0
    assert "8 px: 30 images" in answer.output
    assert {path.name for path in (tmp_path / "cache").rglob("*.arrow")} == {"8.arrow", "16.arrow"}


def test_inspect_counts_and_draws_a_contact_sheet(say):
    answer = say("inspect", "toy.yaml")
    assert "texture 1" in answer.output
    assert "24 x 24 to 24 x 24 px" in answer.output
    with Image.open("toy.png") as sheet:
        assert sheet.size == (8 * 66 + 2, 3 * 66 + 2)


def test_inspect_as_json_is_one_document(say):
    found = json.loads(say("inspect", "toy.yaml", "--json", "--no-sheet").stdout)
    assert found["per_split"] == {"train": 21, "valid": 6, "test": 3}
    assert found["imbalance"] == 1
    assert not Path("toy.png").exists()


def test_inspect_without_a_sheet_builds_no_store(say, tmp_path):
    say("inspect", "toy.yaml", "--no-sheet")
    assert not (tmp_path / "cache" / "stores").exists()


def test_gc_says_what_it_freed(say):
    say("prepare", "toy.yaml")
    assert "stores" in say("gc", "--dry-run").output
    assert "removed 0 stores" in say("gc").output
    assert "removed 1 stores" in say("gc", "--limit", "0").output


def test_names_cannot_repaint_the_terminal(say, tmp_path):
    for name in ("a\x1b[31m", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (8, 8), (number * 60, 7 * len(name), 0)).save(
                tmp_path / "photos" / name / f"{number}.png"
            )
    answer = say("inspect", "toy.yaml", "--no-sheet", "-o", "dataset={source: image_folder, root: photos}")
    assert answer.exit_code == 0
    assert "\x1b[31m" not in answer.output
