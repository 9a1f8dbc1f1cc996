import shutil
from pathlib import Path

import pytest
import torch

from sweeper.errors import DataError, StateError
from sweeper.inference.evaluation import evaluate
from sweeper.training.held_out import final_score


@pytest.mark.parametrize("number", [0, 1])
def test_an_opened_network_scores_what_the_final_test_scores(open_shelf, number: int) -> None:
    opened = open_shelf(number)
    model = opened.model
    folder = next(
        Path(opened.spec.dataset.root).parent.glob(
            f"runs/shelf/checkpoints/{model.id}/epoch-{model.epoch:04d}.*"
        )
    )
    expected = final_score(folder, opened.dataset, model.recipe, device=torch.device("cpu"))
    assert evaluate(opened, "test").headline == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("number", [0, 1])
def test_a_network_answers_and_is_scored_in_the_pieces_that_fit(open_shelf, number, holding, caplog) -> None:
    opened = open_shelf(number)
    pixels = opened.pixels("valid")
    whole, scores = opened.model.probabilities(pixels), evaluate(opened, "test").headline
    with holding(5) as seen:
        torch.testing.assert_close(opened.model.probabilities(pixels), whole)
        assert evaluate(opened, "test").headline == pytest.approx(scores, abs=1e-5)
    assert max(seen) <= 5
    assert sum("out of memory" in text for text in caplog.messages) == 3, "36, 18, 9 did not fit, once each"


def test_pixels_are_those_of_the_store(open_shelf) -> None:
    opened = open_shelf(1)
    pixels = opened.pixels("valid")
    assert pixels.dtype == torch.uint8
    assert pixels.shape == (36, 16, 16, 3)
    images, _ = next(iter(opened.dataset.batches("valid", batch_size=36)))
    torch.testing.assert_close(opened.model.normalized(pixels), images)


def test_a_sweep_that_was_moved_is_opened_where_it_is(open_shelf, shelf, tmp_path: Path) -> None:
    here = open_shelf(0)
    shutil.copytree(shelf.runs, tmp_path / "runs")
    (shelf.runs / "shelf" / "checkpoints").rename(shelf.runs / "shelf" / "hidden")
    try:
        moved = open_shelf(0, tmp_path / "runs")
    finally:
        (shelf.runs / "shelf" / "hidden").rename(shelf.runs / "shelf" / "checkpoints")
    pixels = here.pixels("valid", 4)
    torch.testing.assert_close(moved.model.probabilities(pixels), here.model.probabilities(pixels))


def test_a_damaged_checkpoint_is_refused(open_shelf, shelf, tmp_path: Path) -> None:
    shutil.copytree(shelf.runs, tmp_path / "runs")
    (shelf.runs / "shelf" / "checkpoints").rename(shelf.runs / "shelf" / "hidden")
    try:
        for state in (tmp_path / "runs").rglob("state.pt"):
            state.write_bytes(state.read_bytes()[:-10])
        with pytest.raises(StateError, match="damaged checkpoint"):
            open_shelf(0, tmp_path / "runs")
        shutil.rmtree(tmp_path / "runs" / "shelf" / "checkpoints")
        with pytest.raises(StateError, match="the checkpoint of trial 0 of shelf is gone"):
            open_shelf(0, tmp_path / "runs")
    finally:
        (shelf.runs / "shelf" / "hidden").rename(shelf.runs / "shelf" / "checkpoints")


def test_images_that_have_changed_since_the_sweep_are_refused(open_shelf, shelf) -> None:
    added = shelf.photos / "egg" / "new.jpg"
    shutil.copy(shelf.photos / "fig" / "0.jpg", added)
    try:
        with pytest.raises(DataError, match="the images have changed since the sweep"):
            open_shelf(0)
    finally:
        added.unlink()
