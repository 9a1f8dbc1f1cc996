import json
import sys
from pathlib import Path

import pytest

from sweeper.errors import MissingExtraError
from sweeper.export import exporter
from sweeper.export.parts.servable import servable

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.mark.slow(reason="a network is traced")
@pytest.mark.parametrize("number", [0, 1])
def test_input_output_and_classes_are_named_in_the_file(open_shelf, tmp_path: Path, number: int) -> None:
    model = open_shelf(number).model
    path = tmp_path / "shelf.onnx"
    exporter["onnx"]().write(servable(model, {}), path)
    session = onnxruntime.InferenceSession(path)
    (pixels,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (pixels.name, pixels.type, pixels.shape) == ("pixels", "tensor(uint8)", ["rows", 16, 16, 3])
    assert (probabilities.name, probabilities.shape) == ("probabilities", ["rows", 6])
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == list(model.classes)
    assert json.loads(told["sweeper"])["trial"] == number


def test_without_its_packages_the_command_that_installs_them_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # as Python itself notes what it did not find
    with pytest.raises(MissingExtraError, match=r"needs onnxscript; pip install 'sweeper\[onnx\]'"):
        exporter["onnx"]()
