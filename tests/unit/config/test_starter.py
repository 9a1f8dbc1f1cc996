from pathlib import Path

from sweeper.config.spec import parse_spec
from sweeper.config.starter import starter_text


def test_the_starter_is_a_right_sweep_file_for_digits_and_for_photos():
    digits = parse_spec(starter_text(Path("first.yaml"), None, "digits", "valid/top1"))
    photos = parse_spec(starter_text(Path("food.yaml"), Path("/photos"), "image_folder", "valid/top5"))
    assert (digits.name, digits.dataset.root) == ("first", None)
    assert (photos.name, photos.dataset.root) == ("food", "/photos")
    assert photos.objective.metric == "valid/top5"
