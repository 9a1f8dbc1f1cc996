from pathlib import Path

import pytest

from sweeper.config.spec import parse_spec
from sweeper.config.starter import guessed_source, starter_text
from sweeper.errors import SpecError


def test_the_starter_is_a_right_sweep_file_for_digits_and_for_photos():
    digits = parse_spec(starter_text(Path("first.yaml"), None, "digits", "valid/top1"))
    photos = parse_spec(starter_text(Path("food.yaml"), Path("/photos"), "image_folder", "valid/top5"))
    assert (digits.name, digits.dataset.root) == ("first", None)
    assert (photos.name, photos.dataset.root) == ("food", "/photos")
    assert photos.objective.metric == "valid/top5"


def test_a_source_is_guessed_from_what_lies_in_the_folder(tmp_path):
    assert guessed_source(None) == "digits"
    assert guessed_source(tmp_path) == "image_folder"
    (tmp_path / "category.txt").touch()
    assert guessed_source(tmp_path) == "uecfood"
    with pytest.raises(SpecError, match="no such folder"):
        guessed_source(tmp_path / "absent")
