import dataclasses
import math

import pytest
import torch
from PIL import Image

from sweeper.drawing.canvas import save
from sweeper.inference.charts import confusion_chart, curves_chart, reliability_chart
from sweeper.inference.scores import score
from sweeper.trial import Report


def scores_of(classes: int):
    logits = torch.empty(200, classes).normal_(generator=torch.Generator().manual_seed(1))
    labels = torch.arange(200) % classes
    names = ("$odd$", "寿司", "a_b^c", *(f"class {number}" for number in range(classes - 3)))
    return score(logits, labels, names)


@pytest.mark.slow(reason="draws pictures with matplotlib")
@pytest.mark.filterwarnings("error:constrained_layout")
def test_a_long_name_leaves_the_matrix_its_room(tmp_path) -> None:
    scores = dataclasses.replace(scores_of(4), classes=("a" * 300, "b", "c", "d"))
    save(confusion_chart(scores, "t"), tmp_path / "confusion.png")


@pytest.mark.slow(reason="draws pictures with matplotlib")
@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("classes", [4, 40, 100])
def test_a_confusion_matrix_is_drawn_for_few_classes_and_for_many(tmp_path, classes: int) -> None:
    path = save(confusion_chart(scores_of(classes), "100 $%"), tmp_path / "confusion.png")
    with Image.open(path) as picture:
        assert min(picture.size) > 400


def test_reliability_is_drawn(tmp_path) -> None:
    path = save(reliability_chart(scores_of(4).calibration, "t"), tmp_path / "calibration.png")
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_curves_are_png_and_svg_and_skip_what_was_not_measured(tmp_path) -> None:
    reports = [
        Report(
            epoch, 0.5, metrics={"train/loss": 1 / epoch, "valid/loss": math.nan, "valid/top1": 0.1 * epoch}
        )
        for epoch in (1, 2, 3)
    ]
    chart = curves_chart(reports, "t", best_epoch=3)
    assert save(chart, tmp_path / "curves.png").stat().st_size > 1000
    text = save(chart, tmp_path / "curves.svg").read_text()
    assert text.startswith("<?xml")
    assert "dc:date" not in text
    assert [line.get_label() for line in chart.axes[0].lines] == ["train/loss", "epoch 3"]
