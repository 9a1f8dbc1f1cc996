from pathlib import Path

import numpy as np
import pytest

from sweeper.errors import SpecError, StateError
from sweeper.export import Format, exporter
from sweeper.export.parts.verified import default_path, export


def lying(difference: float) -> Format:
    """Writes nothing of use and answers nearly as the trial does."""
    exact = exporter["safetensors"]()

    def load(path: Path):
        predict = exact.load(path)
        return lambda pixels: predict(pixels) + np.float32(difference)

    return Format(".safetensors", exact.write, load)


@pytest.fixture
def formats():
    """Formats for one test; the registry forgets them afterwards."""
    names: list[str] = []

    def add(name: str, made_of: Format) -> None:
        exporter(name)(lambda: made_of)
        names.append(name)

    yield add
    for name in names:
        del exporter._plugins[name]


def test_what_is_written_is_loaded_again_and_compared(open_shelf, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "shelf.safetensors"
    done = export(open_shelf(0), "safetensors", path)
    assert done.images == 36
    assert done.worst < 1e-6
    assert done.bytes == path.stat().st_size
    assert list(path.parent.iterdir()) == [path]


def test_an_export_that_answers_otherwise_leaves_nothing_behind(open_shelf, tmp_path: Path, formats) -> None:
    formats("lie", lying(0.01))
    path = tmp_path / "shelf.safetensors"
    path.write_text("an earlier one")
    with pytest.raises(StateError, match=r"differ from the trial's by up to 0\.01; nothing was exported"):
        export(open_shelf(0), "lie", path)
    assert path.read_text() == "an earlier one"
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_that_answers_nan_is_refused(open_shelf, tmp_path: Path, formats) -> None:
    formats("nan", lying(float("nan")))
    with pytest.raises(StateError, match="nothing was exported"):
        export(open_shelf(0), "nan", tmp_path / "shelf.safetensors")


@pytest.mark.parametrize("name", ["", "x.bin"])
def test_a_file_has_its_formats_ending_and_no_folder_is_overwritten(open_shelf, tmp_path, name: str) -> None:
    with pytest.raises(SpecError, match=r"is to be a file that ends in \.safetensors"):
        export(open_shelf(0), "safetensors", tmp_path / name)


def test_a_folder_that_is_no_export_is_not_replaced(open_shelf, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    with pytest.raises(SpecError, match="is no earlier export"):
        export(open_shelf(0), "mlflow", tmp_path / "thesis")


def test_names_say_sweep_trial_and_format(open_shelf) -> None:
    model = open_shelf(1).model
    assert default_path(Path("x"), model, "safetensors") == Path("x/shelf-1.safetensors")
    assert default_path(Path("x"), model, "torch_export") == Path("x/shelf-1.pt2")
