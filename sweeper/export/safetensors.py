"""Exports weights and the normalization's numbers as plain tensors, with the card, for a user's own code.

The file is a length, a JSON header and the bytes, so it is written here without a package.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweeper.data.normalize import normalization
from sweeper.errors import StateError
from sweeper.export import Format, Predict, exporter
from sweeper.export.parts.servable import Pipeline, Servable
from sweeper.files import writing
from sweeper.models import model as models
from sweeper.models.parts.weights_file import read_safetensors

NETWORK, NORMALIZATION = "network.", "normalization."
_TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


@exporter("safetensors")
def safetensors() -> Format:
    """One file; tensors `network.*` and `normalization.*`, the card in the metadata `sweeper`."""
    return Format(".safetensors", _write, _load)


def _write(model: Servable, path: Path) -> None:
    network = model.pipeline.get_submodule("network")
    tensors = {NETWORK + name: value for name, value in network.state_dict().items()}
    for name, numbers in model.fitted.items():
        tensors[NORMALIZATION + name] = torch.from_numpy(np.array(numbers))
    card = json.dumps(model.card, ensure_ascii=False)
    save_tensors(tensors, {"format": "pt", "sweeper": card}, path)


def save_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path) -> None:
    """Write a safetensors file, larger element types first, so that each tensor is aligned."""
    ordered = sorted(tensors.items(), key=lambda pair: (-pair[1].element_size(), pair[0]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, tensor in ordered:
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with writing(path) as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for _, tensor in ordered:
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            file.write(flat.view(torch.uint8).numpy().data)


def read_card(path: Path) -> dict[str, Any]:
    """Return the card of such a file; StateError where it has none."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return json.loads(header["__metadata__"]["sweeper"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise StateError(f"no network that sweeper exported: {error}", where=str(path)) from error


def _load(path: Path) -> Predict:
    card, tensors = read_card(path), read_safetensors(path)
    _, height, width, channels = card["input"]["shape"]
    options = dict(card["options"])
    if "weights" in options:
        options["weights"] = "none"  # they are in the file
    network = models[card["architecture"]]((channels, height, width), len(card["classes"]), **options)
    network.load_state_dict(_below(tensors, NETWORK))
    numbers = {name: tensor.numpy() for name, tensor in _below(tensors, NORMALIZATION).items()}
    plugin = normalization[card["normalization"]](**card["normalization_options"])
    pipeline = Pipeline(network, plugin.transform(numbers)).eval()

    def predict(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            return pipeline(torch.from_numpy(pixels)).numpy()

    return predict


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
