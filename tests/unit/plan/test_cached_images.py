import pytest

from sweeper.config.spec import parse_spec
from sweeper.plan.cached_images import decode_images, inspect_images, tidy

SPEC = """
name: toy
dataset: {source: synthetic, classes: 3, per_class: 10, size: 24}
parameters: {pixels: [8, 16]}
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def no_progress(done: int, total: int) -> None:
    assert done <= total


def test_an_inspection_without_a_sheet_counts_and_decodes_nothing(cache):
    found = inspect_images(parse_spec(SPEC), None, no_progress)
    assert (found.facts.images, len(found.sizes), found.sheet) == (30, 30, None)
    assert list(cache.rglob("*.arrow")) == []


def test_an_inspection_draws_a_sheet_and_says_how_many_classes_are_on_it(cache, tmp_path):
    found = inspect_images(parse_spec(SPEC), tmp_path / "sheet.png", no_progress)
    assert (found.sheet, found.drawn) == (tmp_path / "sheet.png", 3)
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_a_dry_run_shows_what_a_limit_would_remove(cache):
    stores = decode_images(parse_spec(SPEC), (8, 16), no_progress)
    folder = stores[0].path.parent
    shown = tidy(0, is_dry=True)
    assert (shown.removed, [each.folder for each in shown.left]) == ([], [folder])
    done = tidy(0, is_dry=False)
    assert ([each.folder for each in done.removed], done.left) == ([folder], [])
