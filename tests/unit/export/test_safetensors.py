import json
from pathlib import Path

import pytest
import torch

from sweeper.errors import StateError
from sweeper.export.parts.servable import servable
from sweeper.export.safetensors import read_card, safetensors, save_tensors

TENSORS = {
    "half": torch.arange(3).half(),
    "flags": torch.tensor([True, False, True]),
    "long": torch.tensor(7),
    "matrix": torch.arange(6.0).view(2, 3).t(),
    "none": torch.empty(0, 4),
}


def test_the_reference_implementation_reads_what_is_written(tmp_path: Path) -> None:
    reference = pytest.importorskip("safetensors.torch")
    save_tensors(TENSORS, {"format": "pt", "note": "é"}, tmp_path / "x.safetensors")
    found = reference.load_file(tmp_path / "x.safetensors")
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        torch.testing.assert_close(found[name], tensor)


def test_the_header_is_a_multiple_of_eight_long_and_types_are_aligned(tmp_path: Path) -> None:
    save_tensors(TENSORS, {}, tmp_path / "x.safetensors")
    content = (tmp_path / "x.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    header = json.loads(content[8 : 8 + length])
    for name, tensor in TENSORS.items():
        assert header[name]["data_offsets"][0] % tensor.element_size() == 0


def test_the_card_tells_what_the_network_needs(open_shelf, tmp_path: Path) -> None:
    path = tmp_path / "shelf.safetensors"
    model = open_shelf(0).model
    safetensors().write(servable(model, {"valid/top1": 0.9}), path)
    card = read_card(path)
    assert card["classes"] == list(model.classes)
    assert card["input"]["shape"] == ["rows", 16, 16, 3]
    assert card["normalization"] == "zca"
    assert card["scores"] == {"valid/top1": 0.9}


def test_a_file_of_someone_elses_is_refused(tmp_path: Path) -> None:
    save_tensors(TENSORS, {}, tmp_path / "x.safetensors")
    with pytest.raises(StateError, match="no network that sweeper exported"):
        read_card(tmp_path / "x.safetensors")
