from pathlib import Path

import pytest
from PIL import Image

from sweeper.cli import run
from sweeper.config.spec import load_spec


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_starter_file_is_right_and_says_what_to_type_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "first.yaml"]) == 0
    assert capsys.readouterr().out == (
        "wrote first.yaml, which ranks by valid/top1 (10 classes are too few for top-5); "
        "next: sweeper validate first.yaml\n"
    )
    spec = load_spec("first.yaml")
    assert (spec.name, spec.dataset.source, spec.recipe) == ("first", "digits", "fast")
    assert run(["validate", "first.yaml"]) == 0


def test_a_folder_of_photos_becomes_its_root(tmp_path: Path) -> None:
    photos = tmp_path / 'photos of ${friends}: "x" # 1'
    photos.mkdir()
    assert run(["init", "photos.yaml", "--root", str(photos)]) == 0
    spec = load_spec("photos.yaml")
    assert (spec.dataset.source, spec.dataset.root) == ("image_folder", str(photos))
    (photos / "category.txt").touch()
    assert run(["init", "food.yaml", "--root", str(photos)]) == 0
    assert load_spec("food.yaml").dataset.source == "uecfood"
    assert run(["init", "chosen.yaml", "--root", str(photos), "--source", "parquet"]) == 0
    assert load_spec("chosen.yaml").dataset.source == "parquet"


WRONG = [
    (["init", "first.txt"], "first.txt: expected a name that ends in .yaml"),
    (["init", "-o.yaml"], "No such option"),
    (["init", "a b.yaml"], "'a b' cannot name a sweep"),
    (["init", "nowhere/first.yaml"], "nowhere/first.yaml: cannot be written: No such file or directory"),
    (["init", "first.yaml", "--root", "nowhere"], "--root nowhere: there is no such folder"),
    (["init", "first.yaml", "--source", "a: b"], "no source is called 'a: b'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(row[0]) for row in WRONG])
def test_nothing_is_written_when_something_is_wrong(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.yaml").write_text("mine")
    assert run(["init", "mine.yaml"]) == 2
    assert "mine.yaml: exists already; choose another name" in capsys.readouterr().err
    assert (tmp_path / "mine.yaml").read_text() == "mine"


METRICS = [
    ([4, 4, 4], "valid/top1", "3 classes are too few for top-5"),
    ([2] * 11, "valid/top5", "11 classes"),
    ([40, 3, 2], "valid/balanced_top1", "naming the largest class every time scores 88.9 %"),
]


@pytest.mark.parametrize(("images", "metric", "why"), METRICS, ids=[row[1] for row in METRICS])
def test_the_metric_tells_networks_apart_on_these_images_and_is_said(
    images: list[int], metric: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, count in enumerate(images):
        (tmp_path / "photos" / f"class {number}").mkdir(parents=True)
        for image in range(count):
            Image.new("RGB", (4, 4)).save(tmp_path / "photos" / f"class {number}" / f"{image}.png")
    assert run(["init", "photos.yaml", "--root", str(tmp_path / "photos")]) == 0
    assert f"which ranks by {metric} ({why}); next:" in capsys.readouterr().out
    assert load_spec("photos.yaml").objective.metric == metric
    assert run(["validate", "photos.yaml"]) == 0
    assert capsys.readouterr().err == ""
