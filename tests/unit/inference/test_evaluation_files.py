import csv
import json
from pathlib import Path

import pytest

from sweeper.inference.evaluation import evaluate
from sweeper.inference.evaluation_files import write_evaluation


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_an_evaluation_is_written_as_tables_pictures_and_json(open_shelf, tmp_path: Path) -> None:
    evaluation = evaluate(open_shelf(0), "test")
    files = write_evaluation(evaluation, tmp_path / "deep" / "folder")
    assert sorted(file.name for file in files) == [
        "calibration.csv", "calibration.png", "classes.csv", "confused_pairs.csv",
        "confusion.csv", "confusion.png", "evaluation.json", "mistakes.json",
        "sensitivity.csv",
    ]  # fmt: skip
    folder = tmp_path / "deep" / "folder"
    facts = json.loads((folder / "evaluation.json").read_text())
    assert facts["top1"] == evaluation.scores.top1
    assert sum(map(sum, facts["confusion"])) == facts["images"] == 36
    samples = json.loads((folder / "mistakes.json").read_text())
    assert [(each["true"], each["png"]) for each in samples] == [
        (each.true, each.png) for each in evaluation.mistakes
    ]
    with (folder / "confusion.csv").open(newline="") as file:
        table = list(csv.reader(file))
    assert table[0][1:] == list(evaluation.scores.classes)
    assert [[int(cell) for cell in row[1:]] for row in table[1:]] == facts["confusion"]
    with (folder / "sensitivity.csv").open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)][-1] == "flip top-bottom"


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_empty_bins_are_empty_cells_and_null(open_shelf, tmp_path: Path) -> None:
    write_evaluation(evaluate(open_shelf(1), "valid"), tmp_path)
    text = (tmp_path / "evaluation.json").read_text()
    assert "NaN" not in text
    assert "nan" not in (tmp_path / "calibration.csv").read_text()


def test_metrics_for_a_tracker_have_names_that_trackers_take(open_shelf) -> None:
    metrics = evaluate(open_shelf(1), "test").metrics
    assert {"test/top1", "test/top5", "test/loss", "test/calibration_error"} <= set(metrics)
    assert "test/sensitivity/rotation_45/top5" in metrics
    assert all(name.isascii() and " " not in name for name in metrics)
    assert all(0 <= value <= 1 for name, value in metrics.items() if name != "test/loss")
