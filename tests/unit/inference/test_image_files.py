from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sweeper.data.dataset import open_source
from sweeper.data.index import Bad
from sweeper.data.prepare import prepare
from sweeper.errors import DataError
from sweeper.inference.image_files import Prediction, expand, predict, read_pixels


@pytest.mark.parametrize("number", [0, 1])
def test_a_photo_is_answered_as_its_row_in_the_store_is(open_shelf, shelf, number: int) -> None:
    opened = open_shelf(number)
    model = opened.model
    store = prepare(open_source(opened.spec.dataset), [16], shelf.cache)[0]
    files = [shelf.photos / row.key for row in store.rows]
    for file, stored in zip(files, store.images, strict=True):
        np.testing.assert_array_equal(read_pixels(model, file), stored.numpy())
    expected = model.probabilities(store.images)
    for answer, row in zip(predict(model, files, most=3), expected, strict=True):
        assert isinstance(answer, Prediction)
        assert [guess.probability for guess in answer.guesses] == pytest.approx(
            row.topk(3).values.tolist(), abs=1e-6
        )
        assert answer.guesses[0].label == model.classes[int(row.argmax())]


def test_bad_files_are_told_one_by_one_and_the_others_answered(open_shelf, shelf, tmp_path: Path) -> None:
    good = shelf.photos / "egg" / "3.jpg"
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(good.read_bytes()[:200])
    empty = tmp_path / "empty.png"
    empty.touch()
    absent = tmp_path / "absent.jpg"
    answers = list(predict(open_shelf(1).model, [torn, good, empty, absent]))
    assert [isinstance(answer, Bad) for answer in answers] == [True, False, True, True]
    assert answers[2].reason == "the file is empty"
    assert answers[3].reason == "No such file or directory"


def test_grey_transparent_and_large_images_are_prepared_as_in_the_store(open_shelf, tmp_path: Path) -> None:
    model = open_shelf(1).model
    Image.new("L", (70, 20), 128).save(tmp_path / "grey.png")
    Image.new("RGBA", (5, 5), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert set(np.unique(read_pixels(model, tmp_path / "grey.png"))) == {128}
    assert set(np.unique(read_pixels(model, tmp_path / "clear.png"))) == {255}


def test_folders_stand_for_what_may_be_images_in_them_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.jpg", "2.jpg", "notes.txt", ".hidden.jpg", "deeper/1.png", ".git/3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = expand([str(tmp_path), "named.txt"])
    assert [str(path.relative_to(tmp_path)) for path in found[:-1]] == ["2.jpg", "10.jpg", "deeper/1.png"]
    assert found[-1] == Path("named.txt")


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the folder holds no images"):
        expand([str(tmp_path)])


def test_no_more_labels_are_given_than_there_are_classes(open_shelf, shelf) -> None:
    (answer,) = predict(open_shelf(1).model, [shelf.photos / "fig" / "1.jpg"], most=50)
    assert len(answer.guesses) == 6
    assert sum(guess.probability for guess in answer.guesses) == pytest.approx(1)


def test_a_batch_boundary_loses_no_image(open_shelf, shelf) -> None:
    files = sorted(shelf.photos.rglob("*.jpg"))[:130]
    answers = list(predict(open_shelf(1).model, files, most=1))
    assert [answer.file for answer in answers] == list(map(str, files))
    assert torch.is_inference_mode_enabled() is False
